import { describe, expect, it } from 'vitest';
import { ANOMALIES_PER_KIND_MAX, WITNESSES_MAX } from '../../src/history/anomaly.js';
import { checkHistory, describeReport } from '../../src/history/check.js';
import type { Operation } from '../../src/history/types.js';
import { polled, refused, sent, sentInOrder, unheard } from './operations.js';

describe('the report', () => {
  it('names the key, the offsets, the values, the operations and the reason', () => {
    const lost = sent(1, 7, 0);
    const { anomalies } = checkHistory([lost, sent(1, 8, 1), polled(2, [[1, 8]])]);
    expect(anomalies).toEqual([
      {
        kind: 'lost-write',
        key: 'orders/0',
        offsets: [0],
        values: [7],
        operations: [lost],
        text: 'value 7 of orders/0 was acknowledged at offset 0 and never read, though offsets up to 1 were',
      },
    ]);
  });

  it('shows both polls of a skip, and what was between them', () => {
    const before = polled(2, [[0, 0]]);
    const after = polled(2, [[3, 3]]);
    const { anomalies } = checkHistory([
      ...sentInOrder(4),
      polled(3, [
        [1, 1],
        [2, 2],
      ]),
      before,
      after,
    ]);
    expect(anomalies).toMatchObject([{ offsets: [1, 2], values: [0, 3], operations: [before, after] }]);
  });

  it('counts what was acknowledged, read, unknown and never read', () => {
    const history = [sent(1, 1, 0), sent(1, 2, 1), unheard(1, 3), unheard(1, 4), refused(1, 5)];
    const report = checkHistory([...history, polled(2, [[0, 1]]), polled(3, [[0, 1]])]);
    expect(report).toMatchObject({ acknowledged: 2, read: 1, unknown: 2, unread: 1 });
  });

  it('an empty history is sound and empty', () => {
    expect(checkHistory([])).toMatchObject({
      anomalies: [],
      acknowledged: 0,
      read: 0,
      unknown: 0,
      unread: 0,
    });
  });

  it('lists a bounded number of anomalies of a kind and counts the rest', () => {
    const { anomalies, counts } = checkHistory(sentInOrder(1_000));
    expect(anomalies).toHaveLength(ANOMALIES_PER_KIND_MAX);
    expect(counts.unseen).toBe(1_000);
  });

  it('names a bounded number of offsets and operations in one anomaly', () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    const readers = values.map((value) => polled(value + 2, [[0, value]]));
    const { anomalies } = checkHistory([...values.map((value) => unheard(1, value)), ...readers]);
    expect(anomalies[0]).toMatchObject({
      kind: 'inconsistent-offsets',
      values: values.slice(0, WITNESSES_MAX),
    });
    expect(anomalies[0]?.operations).toHaveLength(WITNESSES_MAX);
    const [skip] = checkHistory([
      ...sentInOrder(100),
      polled(2, [[0, 0]]),
      polled(2, [[99, 99]]),
    ]).anomalies.filter(({ kind }) => kind === 'poll-skip');
    expect(skip?.offsets).toHaveLength(WITNESSES_MAX);
    expect(skip?.text).toContain('left out 98');
  });

  it('refuses a history in which a key was sent one value twice: it proves nothing', () => {
    expect(() => checkHistory([sent(1, 7, 0), sent(2, 7, 1)])).toThrow(/a value is sent to a key once/);
  });

  it('reads well', () => {
    expect(describeReport(checkHistory([refused(1, 7), polled(2, [[0, 7]])]))).toBe(
      '0 acknowledged, 1 read, 0 of unknown outcome, 0 unread; G1a 1\n' +
        '  G1a: value 7 of orders/0 was read at offset 0, though its sender was told that it failed',
    );
    expect(describeReport(checkHistory([sent(1, 7, 0), polled(2, [[0, 7]])]))).toBe(
      '1 acknowledged, 1 read, 0 of unknown outcome, 0 unread; no anomalies',
    );
  });
});

describe('size', () => {
  // Sizes at which quadratic work would run for many minutes, far into the runner's time limit.
  it('two hundred thousand operations are judged in linear time', () => {
    const sends = 100_000;
    const history: Operation[] = [];
    for (let i = 0; i < sends; i++) history.push(sent(1, i, i), polled(2, [[i, i]]));
    expect(checkHistory(history)).toMatchObject({ anomalies: [], acknowledged: sends, read: sends });
  });

  it('a history full of gaps takes no longer', () => {
    const history: Operation[] = sentInOrder(100_000);
    for (let i = 0; i < 100_000; i += 2) history.push(polled(2, [[i, i]]));
    expect(checkHistory(history).counts['poll-skip']).toBe(49_999);
  });
});
