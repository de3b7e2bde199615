/** One value for each offset and one offset for each value: inconsistent-offsets and duplicate. */
import type { Findings } from './anomaly.js';
import type { KeyHistory } from './key-history.js';

/** Checks that all who saw a key agree on what is where. */
export function checkPlaces(history: KeyHistory, findings: Findings): void {
  const { key } = history;
  for (const [offset, sightings] of history.disputed) {
    findings.add('inconsistent-offsets', () => {
      const values = sightings.map(({ value }) => value);
      return {
        key,
        offsets: [offset],
        values,
        operations: sightings.map(({ operation }) => operation),
        text: `offset ${offset} of ${key} was seen with the values ${values.join(', ')}`,
      };
    });
  }
  for (const [value, sightings] of history.repeated) {
    findings.add('duplicate', () => {
      const offsets = sightings.map(({ offset }) => offset);
      return {
        key,
        offsets,
        values: [value],
        operations: sightings.map(({ operation }) => operation),
        text: `value ${value} of ${key} was read at the offsets ${offsets.join(', ')}`,
      };
    });
  }
}
