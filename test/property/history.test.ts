/**
 * The history checker against a model: what clients of a correct log see is never accused, and each way
 * of breaking such a history is found under its name.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANOMALY_KINDS, type AnomalyKind } from '../../src/history/anomaly.js';
import { checkHistory } from '../../src/history/check.js';
import type { Operation, Poll, ReadRecord, Send } from '../../src/history/types.js';
import { CHUNK_READER, type ModelRun, playOnModel, type Step, WHOLE_READER } from '../history/model-log.js';
import { polled, refused } from '../history/operations.js';

const sender = fc.integer({ min: 0, max: 2 });
const reader = fc.integer({ min: 10, max: 12 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      process: sender,
      fate: fc.constantFrom('acknowledged', 'acknowledged', 'refused', 'unheard', 'late', 'never'),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'apply' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('poll' as const),
      process: reader,
      recordsMax: fc.nat({ max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refused-poll' as const), process: reader }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('assign' as const), process: reader, to: fc.nat({ max: 20 }) }),
  },
);

const steps = fc.array(step, { maxLength: 120, size: 'max' });

/** A correct run with something to break: at least eight records, four of them acknowledged to process 0. */
const run: fc.Arbitrary<ModelRun> = steps.map((some) => {
  const acknowledged: Step = { do: 'send', process: 0, fate: 'acknowledged' };
  return playOnModel([...Array<Step>(4).fill(acknowledged), ...some, ...Array<Step>(4).fill(acknowledged)]);
});

/** Any number, to choose a place in a history with. */
const choice = fc.nat();

function kindsIn(history: readonly Operation[]): Set<AnomalyKind> {
  const { counts } = checkHistory(history);
  return new Set(ANOMALY_KINDS.filter((kind) => counts[kind] > 0));
}

/** Rewrites what the polls returned. */
function withRecords(
  history: readonly Operation[],
  rewrite: (records: readonly ReadRecord[], poll: Poll) => readonly ReadRecord[],
): Operation[] {
  return history.map((operation) =>
    operation.kind === 'poll' ? { ...operation, records: rewrite(operation.records, operation) } : operation,
  );
}

function acknowledgedIn(history: readonly Operation[]): (Send & { readonly offset: number })[] {
  return history.filter(
    (operation): operation is Send & { readonly offset: number } =>
      operation.kind === 'send' && operation.outcome === 'ok' && operation.offset !== undefined,
  );
}

function at<T>(items: readonly T[], chosen: number): T {
  return items[chosen % items.length]!;
}

/** Asserts that breaking a correct run by `breakIt` shows `kind`, and nothing beyond `also`. */
function expectFound(
  kind: AnomalyKind,
  also: readonly AnomalyKind[],
  breakIt: (run: ModelRun, chosen: number) => Operation[],
): void {
  fc.assert(
    fc.property(run, choice, (correct, chosen) => {
      const found = kindsIn(breakIt(correct, chosen));
      expect(found).toContain(kind);
      for (const other of found) expect([kind, ...also]).toContain(other);
    }),
  );
}

describe('a correct log', () => {
  it('is never accused, and its records are counted right', () => {
    fc.assert(
      fc.property(steps, (some) => {
        const { history, log } = playOnModel(some);
        const report = checkHistory(history);
        expect(report.anomalies).toEqual([]);
        expect(report).toMatchObject({
          read: log.length,
          unread: 0,
          acknowledged: acknowledgedIn(history).length,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is not accused whatever the order in which the operations of different processes are written down', () => {
    fc.assert(
      fc.property(run, ({ history }) => {
        const byProcess = [...history].sort((a, b) => b.process - a.process);
        expect(kindsIn(byProcess)).toEqual(new Set());
      }),
    );
  });
});

describe('a broken log', () => {
  it('an acknowledged record that nobody gets to read is a lost-write', () => {
    expectFound('lost-write', ['poll-skip', 'int-poll-skip'], ({ history, log }, chosen) => {
      // Not the last of the log: then it would be unseen, not known to be lost.
      const below = acknowledgedIn(history).filter(({ offset }) => offset < log.length - 1);
      const lost = at(below, chosen).offset;
      return withRecords(history, (records) => records.filter(([offset]) => offset !== lost));
    });
  });

  it('an acknowledged record missing from the end is unseen', () => {
    expectFound('unseen', [], ({ history, log }) =>
      withRecords(history, (records) => records.filter(([offset]) => offset !== log.length - 1)),
    );
  });

  it('a record that occurs again further on is a duplicate', () => {
    expectFound('duplicate', [], ({ history, log }, chosen) =>
      withRecords(history, (records, { process }) =>
        process === WHOLE_READER ? [...records, [log.length, at(log, chosen)]] : records,
      ),
    );
  });

  it('two records that one reader finds exchanged are inconsistent-offsets', () => {
    expectFound('inconsistent-offsets', ['duplicate'], ({ history, log }, chosen) => {
      const [low, high] = neighbours(log, chosen);
      return withRecords(history, (records, { process }) =>
        process === WHOLE_READER ? exchanged(records, low, high, log) : records,
      );
    });
  });

  it('two records of one process exchanged for everybody are a nonmonotonic-send', () => {
    expectFound('nonmonotonic-send', [], ({ history, log }, chosen) => {
      const own = acknowledgedIn(history).filter(({ process }) => process === 0);
      const index = chosen % (own.length - 1);
      const low = own[index]!.offset;
      const high = own[index + 1]!.offset;
      const moved = history.map((operation) => {
        if (operation.kind !== 'send' || operation.offset === undefined) return operation;
        const { offset } = operation;
        return { ...operation, offset: offset === low ? high : offset === high ? low : offset };
      });
      return withRecords(moved, (records) => exchanged(records, low, high, log));
    });
  });

  it('a record left out inside a poll is an int-poll-skip', () => {
    expectFound('int-poll-skip', [], ({ history, log }, chosen) => {
      const left = 1 + (chosen % (log.length - 2));
      return withRecords(history, (records, { process }) =>
        process === WHOLE_READER ? records.filter(([offset]) => offset !== left) : records,
      );
    });
  });

  it('a poll that never came is a poll-skip at the next one', () => {
    expectFound('poll-skip', [], ({ history }, chosen) => {
      const chunks = history.filter(isChunk);
      const missing = at(chunks.slice(0, -1), chosen);
      // Asked for where the reader stood: the log left the records out, not the reader.
      return history
        .filter((operation) => operation !== missing)
        .map((operation) =>
          operation === chunks[chunks.indexOf(missing) + 1]
            ? { ...operation, from: missing.from }
            : operation,
        );
    });
  });

  it('a poll that comes a second time is a nonmonotonic-poll', () => {
    expectFound('nonmonotonic-poll', [], ({ history }, chosen) => {
      const again = at(history.filter(isChunk), chosen);
      return history.flatMap((operation) => (operation === again ? [operation, operation] : [operation]));
    });
  });

  it('two records in the wrong order inside a poll are an int-nonmonotonic-poll', () => {
    expectFound('int-nonmonotonic-poll', ['int-poll-skip', 'poll-skip'], ({ history, log }, chosen) => {
      const [low] = neighbours(log, chosen);
      return withRecords(history, (records, { process }) =>
        process === WHOLE_READER
          ? [...records.slice(0, low), records[low + 1]!, records[low]!, ...records.slice(low + 2)]
          : records,
      );
    });
  });

  it('the value of a failed send at the end of the log is G1a', () => {
    expectFound('G1a', [], ({ history, log }) => [
      ...history,
      refused(0, -1),
      polled(WHOLE_READER, [[log.length, -1]]),
    ]);
  });

  it('a value that nobody sent is a phantom', () => {
    expectFound('phantom', [], ({ history, log }) => [...history, polled(WHOLE_READER, [[log.length, -1]])]);
  });

  it('an acknowledgement with another offset than the record has is a wrong-offset', () => {
    const also = ['inconsistent-offsets', 'nonmonotonic-send'] as const;
    expectFound('wrong-offset', also, ({ history }, chosen) => {
      const wrong = at(acknowledgedIn(history), chosen);
      return history.map((operation) =>
        operation === wrong ? { ...operation, offset: wrong.offset + 1 } : operation,
      );
    });
  });
});

function isChunk(operation: Operation): operation is Poll {
  return operation.kind === 'poll' && operation.process === CHUNK_READER;
}

/** An offset and the next one. */
function neighbours(log: readonly number[], chosen: number): [low: number, high: number] {
  const low = chosen % (log.length - 1);
  return [low, low + 1];
}

/** The records with the values of two offsets exchanged. */
function exchanged(
  records: readonly ReadRecord[],
  low: number,
  high: number,
  log: readonly number[],
): ReadRecord[] {
  return records.map(([offset, value]) => {
    if (offset === low) return [offset, log[high]!];
    return [offset, offset === high ? log[low]! : value];
  });
}
