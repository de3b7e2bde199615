/** The verdict can be bad: each kind of anomaly, planted in a history, is found in it. */
import { describe, expect, it } from 'vitest';
import { ANOMALY_KINDS, type AnomalyKind } from '../../src/history/anomaly.js';
import type { ReadRecord, SendOutcome } from '../../src/history/types.js';
import type { PartitionHistory } from '../../src/verify/partition-history.js';
import { Recorder } from '../../src/verify/recorder.js';
import { judge, type Verdict } from '../../src/verify/verdict.js';

const AT = { invokedAtMs: 0, completedAtMs: 1 };
const WRITER = 0;
const READER = 10_000;

const CIRCUMSTANCES = {
  topic: 't',
  drivenS: 1,
  endedEarly: false,
  faults: {},
  failovers: 0,
  replicasRead: 0,
  unreadable: [],
  brokersDown: [],
};

/** Values 1, 2, ... at the offsets 0, 1, ... */
function send(history: PartitionHistory, firstValue: number, count: number, baseOffset?: number) {
  const outcome: SendOutcome = 'ok';
  history.addSend({ process: WRITER, firstValue, count, outcome, baseOffset, ...AT });
}

function poll(history: PartitionHistory, from: number, ...records: ReadRecord[]) {
  history.addPoll({ process: READER, kind: 'ok', from, records, ...AT });
}

/** What goes wrong, beside three records that are all right: values 1 to 3 at the offsets 0 to 2. */
const PLANTED: Readonly<Record<AnomalyKind, (history: PartitionHistory) => void>> = {
  'lost-write': (history) => {
    send(history, 4, 2, 3);
    poll(history, 3, [4, 5]);
  },
  'inconsistent-offsets': (history) => {
    history.addPoll({ process: READER + 1, kind: 'ok', from: 0, records: [[0, 2]], ...AT });
  },
  duplicate: (history) => poll(history, 3, [3, 1]),
  G1a: (history) => {
    const about = { process: WRITER, firstValue: 4, count: 1, baseOffset: undefined, ...AT };
    history.addSend({ ...about, outcome: 'failed' });
    poll(history, 3, [3, 4]);
  },
  unseen: (history) => send(history, 4, 1, 3),
  'poll-skip': (history) => {
    send(history, 4, 2, 3);
    poll(history, 4, [4, 5]);
    history.addPoll({ process: READER + 1, kind: 'ok', from: 3, records: [[3, 4]], ...AT });
  },
  'nonmonotonic-poll': (history) => poll(history, 1, [1, 2]),
  'int-poll-skip': (history) => {
    history.addPoll({
      process: READER + 1,
      kind: 'ok',
      from: 0,
      records: [
        [0, 1],
        [2, 3],
      ],
      ...AT,
    });
  },
  'int-nonmonotonic-poll': (history) => {
    history.addPoll({
      process: READER + 1,
      kind: 'ok',
      from: 0,
      records: [
        [0, 1],
        [0, 1],
      ],
      ...AT,
    });
  },
  'nonmonotonic-send': (history) => {
    send(history, 4, 1, 4);
    send(history, 5, 1, 3);
    poll(history, 3, [3, 5], [4, 4]);
  },
  'wrong-offset': (history) => {
    send(history, 4, 1, 5);
    poll(history, 3, [3, 4]);
  },
  phantom: (history) => poll(history, 3, [3, -1]),
};

function verdictOn(plant: (history: PartitionHistory) => void): Verdict {
  const recorder = new Recorder('t', 2, 16);
  for (const { history } of recorder.partitions) {
    send(history, 1, 3, 0);
    poll(history, 0, [0, 1], [1, 2], [2, 3]);
  }
  // In the last partition, so that a judge who looks at the first one only is caught.
  plant(recorder.partitions[1]!.history);
  return judge(recorder, CIRCUMSTANCES);
}

describe('judge', () => {
  it('has nothing against a history in which every promise was kept', () => {
    const { ok, anomalies, found, missing } = verdictOn(() => undefined);
    expect({ ok, anomalies, found, missing }).toEqual({ ok: true, anomalies: [], found: 6, missing: 0 });
  });

  it.each(ANOMALY_KINDS)('finds %s', (kind) => {
    const { ok, anomalies, counts } = verdictOn(PLANTED[kind]);
    expect(ok).toBe(false);
    expect(counts[kind]).toBeGreaterThan(0);
    expect(anomalies.map((anomaly) => anomaly.kind)).toContain(kind);
    expect(anomalies.every(({ key }) => key === 't/1')).toBe(true);
  });

  it('is not satisfied where a partition could not be read to its end', () => {
    const recorder = new Recorder('t', 1, 16);
    expect(judge(recorder, { ...CIRCUMSTANCES, unreadable: ['t/0'] }).ok).toBe(false);
  });
});
