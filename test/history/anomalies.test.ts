import { describe, expect, it } from 'vitest';
import { ANOMALY_KINDS, type AnomalyKind } from '../../src/history/anomaly.js';
import { checkHistory } from '../../src/history/check.js';
import type { Operation } from '../../src/history/types.js';
import { assigned, polled, pollFailed, refused, sent, sentInOrder, unheard } from './operations.js';

/** The kinds found, each once, the gravest first. */
function kindsIn(history: readonly Operation[]): AnomalyKind[] {
  const { anomalies, counts } = checkHistory(history);
  const kinds = ANOMALY_KINDS.filter((kind) => counts[kind] > 0);
  expect([...new Set(anomalies.map(({ kind }) => kind))]).toEqual(kinds);
  return kinds;
}

/** Histories with an anomaly, and neighbours of theirs without. Definitions: jepsen.tests.kafka. */
const CASES: readonly {
  readonly shows: AnomalyKind;
  /** Further kinds that the same history cannot but show. */
  readonly also?: readonly AnomalyKind[];
  readonly when: string;
  readonly bad: readonly Operation[];
  readonly but: string;
  readonly good: readonly Operation[];
}[] = [
  {
    shows: 'lost-write',
    when: 'an acknowledged value is below what was read, and was not',
    bad: [sent(1, 7, 0), sent(1, 8, 1), polled(2, [[1, 8]])],
    but: 'somebody else read it',
    good: [sent(1, 7, 0), sent(1, 8, 1), polled(2, [[1, 8]]), polled(3, [[0, 7]])],
  },
  {
    shows: 'lost-write',
    also: ['inconsistent-offsets'],
    when: 'another value was read in its place',
    bad: [sent(1, 7, 0), unheard(2, 8), polled(3, [[0, 8]])],
    but: 'nothing was promised about it',
    good: [unheard(1, 7), unheard(2, 8), polled(3, [[0, 8]])],
  },
  {
    shows: 'unseen',
    when: 'an acknowledged value above everything read is never read',
    bad: [sent(1, 7, 0), sent(1, 8, 1), polled(2, [[0, 7]])],
    but: 'it was of unknown outcome',
    good: [sent(1, 7, 0), unheard(1, 8), polled(2, [[0, 7]])],
  },
  {
    shows: 'unseen',
    when: 'a value acknowledged without an offset is never read',
    bad: [sent(1, 7), polled(2, [])],
    but: 'it is read, wherever',
    good: [sent(1, 7), polled(2, [[0, 7]])],
  },
  {
    shows: 'inconsistent-offsets',
    when: 'two readers see different values at one offset',
    bad: [unheard(1, 7), unheard(1, 8), polled(2, [[0, 7]]), polled(3, [[0, 8]])],
    but: 'they read different keys',
    good: [unheard(1, 7), unheard(1, 8, 'b'), polled(2, [[0, 7]]), polled(3, [[0, 8]], { key: 'b' })],
  },
  {
    shows: 'inconsistent-offsets',
    also: ['unseen', 'nonmonotonic-send'],
    when: 'two values are acknowledged at one offset',
    bad: [sent(1, 7, 0), sent(1, 8, 0)],
    but: 'at one offset of two keys',
    good: [sent(1, 7, 0), sent(1, 8, 0, 'b'), polled(2, [[0, 7]]), polled(2, [[0, 8]], { key: 'b' })],
  },
  {
    shows: 'duplicate',
    when: 'a value is at two offsets',
    bad: [
      unheard(1, 7),
      polled(2, [
        [0, 7],
        [1, 7],
      ]),
    ],
    but: 'it is read twice at one offset',
    good: [unheard(1, 7), polled(2, [[0, 7]]), polled(3, [[0, 7]])],
  },
  {
    shows: 'G1a',
    when: 'the value of a failed send is read',
    bad: [refused(1, 7), polled(2, [[0, 7]])],
    but: 'the send was of unknown outcome',
    good: [unheard(1, 7), polled(2, [[0, 7]])],
  },
  {
    shows: 'poll-skip',
    when: 'the next poll of a process leaves out a record that others read',
    bad: [
      ...sentInOrder(3),
      polled(2, [[0, 0]]),
      polled(3, [
        [0, 0],
        [1, 1],
        [2, 2],
      ]),
      polled(2, [[2, 2]]),
    ],
    but: 'the process started over between them',
    good: [
      ...sentInOrder(3),
      polled(2, [[0, 0]]),
      polled(3, [
        [0, 0],
        [1, 1],
        [2, 2],
      ]),
      assigned(2),
      polled(2, [[2, 2]]),
    ],
  },
  {
    shows: 'poll-skip',
    when: 'the first poll begins after what it asked for',
    bad: [...sentInOrder(2), polled(2, [[1, 1]], { from: 0 }), polled(3, [[0, 0]])],
    but: 'it asked for the later one',
    good: [...sentInOrder(2), polled(2, [[1, 1]], { from: 1 }), polled(3, [[0, 0]])],
  },
  {
    shows: 'poll-skip',
    when: 'what is left out was acknowledged, though nobody read it',
    also: ['lost-write'],
    bad: [...sentInOrder(3), polled(2, [[0, 0]]), polled(2, [[2, 2]], { from: 1 })],
    but: 'nothing is known to be in the gap',
    good: [sent(1, 0, 0), sent(1, 2, 2), polled(2, [[0, 0]]), polled(2, [[2, 2]], { from: 1 })],
  },
  {
    shows: 'nonmonotonic-poll',
    when: 'the next poll of a process goes back',
    bad: [
      ...sentInOrder(2),
      polled(2, [
        [0, 0],
        [1, 1],
      ]),
      polled(2, [[1, 1]]),
    ],
    but: 'it is the first poll of another process',
    good: [
      ...sentInOrder(2),
      polled(2, [
        [0, 0],
        [1, 1],
      ]),
      polled(3, [[1, 1]]),
    ],
  },
  {
    shows: 'nonmonotonic-poll',
    when: 'a poll begins before what it asked for',
    bad: [
      ...sentInOrder(2),
      polled(
        2,
        [
          [0, 0],
          [1, 1],
        ],
        { from: 1 },
      ),
    ],
    but: 'failed and empty polls came between and moved nothing',
    good: [
      ...sentInOrder(2),
      polled(2, [[0, 0]]),
      pollFailed(2, 0),
      polled(2, [], { from: 0 }),
      polled(2, [[1, 1]]),
    ],
  },
  {
    shows: 'int-poll-skip',
    when: 'one poll leaves out a record between two others',
    bad: [
      ...sentInOrder(3),
      polled(2, [
        [0, 0],
        [2, 2],
      ]),
      polled(3, [[1, 1]]),
    ],
    but: 'nothing is known to be there',
    good: [
      sent(1, 0, 0),
      sent(1, 2, 2),
      polled(2, [
        [0, 0],
        [2, 2],
      ]),
    ],
  },
  {
    shows: 'int-nonmonotonic-poll',
    when: 'one poll goes back',
    bad: [
      ...sentInOrder(2),
      polled(2, [
        [1, 1],
        [0, 0],
      ]),
    ],
    but: 'two polls of two processes do',
    good: [...sentInOrder(2), polled(2, [[1, 1]]), polled(3, [[0, 0]])],
  },
  {
    shows: 'int-nonmonotonic-poll',
    when: 'one poll repeats a record',
    bad: [
      ...sentInOrder(1),
      polled(2, [
        [0, 0],
        [0, 0],
      ]),
    ],
    but: 'two processes read it',
    good: [...sentInOrder(1), polled(2, [[0, 0]]), polled(3, [[0, 0]])],
  },
  {
    shows: 'nonmonotonic-send',
    when: 'a later send of a process is acknowledged at a lower offset',
    bad: [
      sent(1, 7, 1),
      sent(1, 8, 0),
      polled(2, [
        [0, 8],
        [1, 7],
      ]),
    ],
    but: 'another process sent it',
    good: [
      sent(1, 7, 1),
      sent(2, 8, 0),
      polled(3, [
        [0, 8],
        [1, 7],
      ]),
    ],
  },
  {
    shows: 'nonmonotonic-send',
    when: 'a send of unknown outcome is read before one acknowledged earlier',
    bad: [
      sent(1, 7, 1),
      unheard(1, 8),
      polled(2, [
        [0, 8],
        [1, 7],
      ]),
    ],
    but: 'the acknowledged one was sent later: the unknown one may come at any time',
    good: [
      unheard(1, 8),
      sent(1, 7, 0),
      polled(2, [
        [0, 7],
        [1, 8],
      ]),
    ],
  },
  {
    shows: 'wrong-offset',
    when: 'a value is read elsewhere than where it was acknowledged',
    bad: [sent(1, 7, 1), polled(2, [[0, 7]])],
    but: 'the sender was told no offset',
    good: [sent(1, 7), polled(2, [[0, 7]])],
  },
  {
    shows: 'phantom',
    when: 'a value is read that nobody sent',
    bad: [polled(2, [[0, 7]])],
    but: 'it was sent',
    good: [unheard(1, 7), polled(2, [[0, 7]])],
  },
  {
    shows: 'phantom',
    when: 'a value is read from another key than it was sent to',
    bad: [unheard(1, 7, 'b'), polled(2, [[0, 7]])],
    but: 'it was sent to both',
    good: [unheard(1, 7, 'b'), unheard(1, 7), polled(2, [[0, 7]])],
  },
];

describe('anomalies, as jepsen.tests.kafka defines them', () => {
  it.each(CASES)('$shows: $when', ({ shows, also = [], bad }) => {
    expect(new Set(kindsIn(bad))).toEqual(new Set([shows, ...also]));
  });

  it.each(CASES)('no $shows ($when) when $but', ({ good }) => {
    expect(kindsIn(good)).toEqual([]);
  });

  it('every kind has a case', () => {
    expect(new Set(CASES.map(({ shows }) => shows))).toEqual(new Set(ANOMALY_KINDS));
  });
});
