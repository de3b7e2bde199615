/** Said when verify has found that a promise was broken: the command worked, and that is its answer. */
export class AnomalyError extends Error {
  constructor(anomalies: number, unreadable: readonly string[]) {
    const broken = anomalies === 0 ? [] : [`${anomalies} anomalies`];
    const unread = unreadable.length === 0 ? [] : [`could not be read to the end: ${unreadable.join(', ')}`];
    super([...broken, ...unread].join('; '));
    this.name = 'AnomalyError';
  }
}
