/** Said when brokers were asked for their health and not all serve: the command worked, and the answer is no. */
export class UnhealthyError extends Error {
  constructor(brokers: readonly string[], all: number) {
    super(
      all === 0
        ? 'the broker that answers knows no broker of the cluster yet'
        : `${brokers.length} of ${all} brokers not serving: ${brokers.join(', ')}`,
    );
    this.name = 'UnhealthyError';
  }
}
