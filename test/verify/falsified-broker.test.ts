/** `bellwether verify` against a broker that keeps a log as it should, and against brokers that lie in one answer. */
import { describe, expect, it } from 'vitest';
import type { Record as WireRecord } from '../../gen/bellwether/v1/types.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import type { AnomalyKind } from '../../src/history/anomaly.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { run } from '../cli/run.js';
import type { FakeBroker } from '../client/fake-broker.js';
import { batchesOf, fail, leaderAt, startBroker } from '../client/harness.js';

/** What the broker says of its log; each may be falsified. */
interface Falsehood {
  readonly append?: (log: WireRecord[], record: WireRecord) => void;
  readonly fetched?: (records: readonly WireRecord[]) => readonly WireRecord[];
}

/** A cluster of one broker with one partition, which keeps what it gets in memory. */
async function startLog({ append, fetched }: Falsehood = {}): Promise<FakeBroker> {
  const log: WireRecord[] = [];
  let made = '';
  const partition = {
    ...{ partition: 0, leader: 'n1', term: 1 },
    ...{ replicas: ['n1'], inSyncReplicas: ['n1'], offlineReplicas: [] },
  };
  const appended = (recordBatch: Uint8Array) => {
    const baseOffset = log.length;
    const records = decodeRecordBatch(recordBatch);
    for (const { key, value, timestampMs } of records) {
      const record = { offset: log.length, key, value, headers: [], timestampMs };
      if (append === undefined) log.push(record);
      else append(log, record);
    }
    return { baseOffset, term: 1, recordCount: records.length, duplicate: false };
  };
  const topicOf = (topic: string) => ({ topic, partitions: [partition] });
  const broker: FakeBroker = await startBroker({
    createTopic: ({ topic }) => ({ topic: topicOf((made = topic)) }),
    describeTopic: () => ({ config: [], topic: topicOf(made) }),
    deleteTopic: () => ({}),
    partitionLeader: () => leaderAt(broker.address, 1),
    metadata: () => ({
      ...{ clusterId: 'c', controller: 'n1', topics: [topicOf(made)] },
      brokers: [{ id: 'n1', address: broker.address, rack: '', alive: true }],
    }),
    listOffsets: () => ({ offset: log.length, term: 1 }),
    produce: ({ recordBatch = new Uint8Array() }) => ({ partition: 0, ...appended(recordBatch) }),
    initProducer: () => ({ producerId: 1, producerEpoch: 0 }),
    produceStream: ({ requestId, recordBatch }) => ({
      ...{ requestId, error: undefined },
      ...appended(recordBatch),
    }),
    fetch: ({ offset, maxRecords }) => {
      const truth = log.slice(offset, offset + maxRecords);
      const recordBatches = batchesOf(fetched === undefined ? truth : fetched(truth));
      const nextOffset = offset + truth.length;
      return { records: [], recordBatches, highWatermark: log.length, logStartOffset: 0, nextOffset };
    },
    watchLeadership: () => fail('NO_LEADER'),
  });
  return broker;
}

async function verdictOn(falsehood?: Falsehood) {
  const { address } = await startLog(falsehood);
  const load = ['--seconds', '1', '--rate', '400', '--partitions', '1'];
  const { exitCode, stdout, stderr } = await run([
    'verify',
    '--brokers',
    address,
    ...load,
    '--output',
    'json',
  ]);
  const verdict = JSON.parse(stdout) as {
    readonly ok: boolean;
    readonly acknowledged: number;
    readonly found: number;
    readonly anomaly_counts: Readonly<Record<AnomalyKind, number>>;
  };
  return { exitCode, verdict, stderr };
}

/** Value 100, or offset 100, is what each lie is about. */
const FALSEHOODS: readonly (readonly [string, AnomalyKind, Falsehood])[] = [
  [
    'acknowledges a record that it does not keep',
    'lost-write',
    {
      append: (log, record) => {
        if (
          !Buffer.from(record.value ?? [])
            .toString()
            .startsWith('100.')
        )
          log.push(record);
      },
    },
  ],
  [
    'appends a record twice',
    'duplicate',
    {
      append: (log, record) => {
        log.push(record);
        if (record.offset === 100) log.push({ ...record, offset: 101 });
      },
    },
  ],
  [
    'changes a byte of a record',
    'phantom',
    {
      fetched: (truth) => truth.map((each) => (each.offset === 100 ? spoilt(each) : each)),
    },
  ],
  [
    'leaves out a record',
    'int-poll-skip',
    { fetched: (truth) => truth.filter(({ offset }) => offset !== 100) },
  ],
];

function spoilt(record: WireRecord): WireRecord {
  const value = Uint8Array.from(record.value ?? []);
  value[value.length - 1] = 33;
  return { ...record, value };
}

describe('bellwether verify', () => {
  it('has nothing against a broker that keeps its word', async () => {
    const { exitCode, verdict, stderr } = await verdictOn();
    expect([exitCode, verdict.ok, stderr]).toEqual([EXIT_CODE.done, true, '']);
    expect(verdict.found).toBe(verdict.acknowledged);
    expect(verdict.acknowledged).toBeGreaterThan(101);
  });

  it.each(FALSEHOODS)('catches a broker that %s: %s', async (_, kind, falsehood) => {
    const { exitCode, verdict, stderr } = await verdictOn(falsehood);
    expect([exitCode, verdict.ok]).toEqual([EXIT_CODE.failed, false]);
    expect(verdict.anomaly_counts[kind]).toBeGreaterThan(0);
    expect(stderr).toMatch(/^bellwether: \d+ anomalies/);
  });

  it.each([
    [['--torment', 'kill'], /say --local 3/],
    [['--local', '3', '--torment', 'kill,burn'], /list of kill, pause, cut/],
    [['--local', '3', '--brokers', '127.0.0.1:1'], /exclude each other/],
    [['--local', '3', '--every', '3'], /a time such as 3s/],
    [['--seconds', '86400', '--rate', '20000'], /would not fit in memory/],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await run(['verify', ...args]);
    expect(exitCode).toBe(EXIT_CODE.usage);
    expect(stderr).toMatch(message);
  });
});
