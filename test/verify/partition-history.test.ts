/** The compact history gives back what was put in. */
import { describe, expect, it } from 'vitest';
import type { ReadRecord } from '../../src/history/types.js';
import { PartitionHistory } from '../../src/verify/partition-history.js';

const AT = { invokedAtMs: 1, completedAtMs: 2 };

describe('PartitionHistory', () => {
  it('unfolds batches into sends, and keeps what a poll returned in its order', () => {
    const history = new PartitionHistory('t/0');
    const batch = { process: 3, firstValue: 7, count: 2, ...AT };
    history.addSend({ ...batch, outcome: 'ok', baseOffset: 40 });
    history.addSend({ ...batch, firstValue: 9, outcome: 'unknown', baseOffset: undefined });
    const disorderly: ReadRecord[] = [
      [40, 7],
      [41, 8],
      [43, 9],
      [43, 10],
      [42, -1],
    ];
    history.addPoll({ process: 5, kind: 'ok', from: 40, records: disorderly, ...AT });
    history.addPoll({ process: 5, kind: 'assign', from: 0, records: [], ...AT });
    history.addPoll({ process: 5, kind: 'ok', from: 41, records: [[41, 8]], ...AT });
    const send = { kind: 'send', process: 3, key: 't/0', ...AT };
    const poll = { kind: 'poll', process: 5, key: 't/0', outcome: 'ok', ...AT };
    expect([...history.operations()]).toEqual([
      { ...send, outcome: 'ok', value: 7, offset: 40 },
      { ...send, outcome: 'ok', value: 8, offset: 41 },
      { ...send, outcome: 'unknown', value: 9, offset: undefined },
      { ...send, outcome: 'unknown', value: 10, offset: undefined },
      { ...poll, from: 40, records: disorderly },
      { kind: 'assign', process: 5, key: 't/0', ...AT },
      { ...poll, from: 41, records: [[41, 8]] },
    ]);
  });

  it('grows with batches and reads, not with records', () => {
    const sizeOf = (count: number): number => {
      const history = new PartitionHistory('t/0');
      const records = Array.from({ length: count }, (_, i): ReadRecord => [i, i + 1]);
      history.addSend({ process: 0, firstValue: 1, count, outcome: 'ok', baseOffset: 0, ...AT });
      for (let reader = 1; reader <= 10; reader++) {
        history.addPoll({ process: reader, kind: 'ok', from: 0, records, ...AT });
      }
      return history.sizeBytes;
    };
    expect(sizeOf(10_000)).toBe(sizeOf(1));
    expect(sizeOf(1)).toBeLessThanOrEqual(60 + 10 * 80);
  });

  it('holds more rows than one block', () => {
    const history = new PartitionHistory('t/0');
    for (let i = 0; i < 10_000; i++) {
      history.addSend({ process: 0, firstValue: i + 1, count: 1, outcome: 'ok', baseOffset: i, ...AT });
    }
    const sends = [...history.operations()];
    expect(sends.length).toBe(10_000);
    expect(sends[9_999]).toMatchObject({ value: 10_000, offset: 9_999 });
  });
});
