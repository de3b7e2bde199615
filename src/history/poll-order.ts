/** Each process reads every record once and in order: the four anomalies within and between polls. */
import { type Findings, WITNESSES_MAX } from './anomaly.js';
import type { KeyHistory } from './key-history.js';
import type { Poll, ReadRecord } from './types.js';

/** The record before a record, with the poll that returned it. */
interface Place {
  readonly offset: number;
  /** Undefined for the place before the first record asked for. */
  readonly value: number | undefined;
  readonly poll: Poll;
}

/** Names of the anomalies between two polls, and inside one. */
const BETWEEN = { skip: 'poll-skip', nonmonotonic: 'nonmonotonic-poll' } as const;
const INSIDE = { skip: 'int-poll-skip', nonmonotonic: 'int-nonmonotonic-poll' } as const;

/**
 * Checks the polls of each process.
 *
 * A gap counts only when something is known to be in it. The first poll after the beginning or an assign
 * must begin where it asked to.
 */
export function checkPollOrder(history: KeyHistory, findings: Findings): void {
  const lastOf = new Map<number, Place>();
  for (const operation of history.reads) {
    if (operation.kind === 'assign') {
      lastOf.delete(operation.process);
      continue;
    }
    let last = lastOf.get(operation.process) ?? {
      offset: operation.from - 1,
      value: undefined,
      poll: operation,
    };
    let names: typeof BETWEEN | typeof INSIDE = BETWEEN;
    for (const record of operation.records) {
      if (record[0] !== last.offset + 1) checkStep(history, last, record, operation, names, findings);
      last = { offset: record[0], value: record[1], poll: operation };
      names = INSIDE;
    }
    if (operation.records.length > 0) lastOf.set(operation.process, last);
  }
}

function checkStep(
  history: KeyHistory,
  last: Place,
  [offset, value]: ReadRecord,
  poll: Poll,
  names: typeof BETWEEN | typeof INSIDE,
  findings: Findings,
): void {
  const { key } = history;
  const about = {
    key,
    values: last.value === undefined ? [value] : [last.value, value],
    operations: last.poll === poll ? [poll] : [last.poll, poll],
  };
  const before = last.value === undefined ? `asking from ${last.offset + 1}` : `offset ${last.offset}`;
  if (offset <= last.offset) {
    findings.add(names.nonmonotonic, () => ({
      ...about,
      offsets: [last.offset, offset],
      text: `process ${poll.process} read offset ${offset} of ${key} after ${before}`,
    }));
    return;
  }
  const { count, first } = history.known.between(last.offset, offset, WITNESSES_MAX);
  if (count === 0) return;
  findings.add(names.skip, () => ({
    ...about,
    offsets: first,
    text:
      `process ${poll.process} read offset ${offset} of ${key} after ${before} ` +
      `and left out ${count} known to be between, the first at ${first[0] ?? ''}`,
  }));
}
