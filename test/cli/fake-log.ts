/** A fake broker that keeps the records that it gets, for tests of commands. */
import { OffsetPosition } from '../../gen/bellwether/v1/log_service.js';
import type { Record as WireRecord } from '../../gen/bellwether/v1/types.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import type { FakeBroker } from '../client/fake-broker.js';
import { batchesOf, fail, leaderAt, startBroker } from '../client/harness.js';
import { run } from './run.js';
import type { Surroundings } from './run.js';

/** A key or value as text; null for null. */
export const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? null : Buffer.from(bytes).toString();

/** A broker with `partitionCount` partitions, all its own, and the command line that talks to it. */
export async function startLog(partitionCount: number) {
  const logs: WireRecord[][] = Array.from({ length: partitionCount }, () => []);
  const batchSizes: number[] = [];
  const broker: FakeBroker = await startBroker({
    partitionLeader: () => leaderAt(broker.address, 1),
    describeTopic: () => ({
      config: [],
      topic: {
        topic: 'orders',
        partitions: logs.map((_, partition) => ({
          partition,
          leader: 'n1',
          term: 1,
          replicas: [],
          inSyncReplicas: [],
          offlineReplicas: [],
        })),
      },
    }),
    initProducer: () => ({ producerId: 1, producerEpoch: 0 }),
    produceStream: ({ requestId, partition, recordBatch }) => {
      const log = logs[partition] ?? fail('UNKNOWN_TOPIC_OR_PARTITION');
      const baseOffset = log.length;
      const records = decodeRecordBatch(recordBatch);
      batchSizes.push(records.length);
      for (const { key, value, timestampMs } of records) {
        log.push({ offset: log.length, key, value, headers: [], timestampMs });
      }
      const recordCount = records.length;
      return { requestId, baseOffset, term: 1, recordCount, error: undefined, duplicate: false };
    },
    listOffsets: ({ partition, at, timestampMs }) => {
      const log = logs[partition] ?? fail('UNKNOWN_TOPIC_OR_PARTITION');
      if (at === OffsetPosition.TIMESTAMP) {
        const found = log.find((record) => (record.timestampMs ?? 0) >= timestampMs);
        return { offset: found?.offset ?? log.length, term: 1, timestampMs: found?.timestampMs };
      }
      return { offset: at === OffsetPosition.LATEST ? log.length : (log[0]?.offset ?? 0), term: 1 };
    },
    fetch: ({ partition, offset, maxRecords }) => {
      const log = logs[partition] ?? fail('UNKNOWN_TOPIC_OR_PARTITION');
      const records = log.slice(offset, offset + Math.min(2, maxRecords));
      const nextOffset = offset + records.length;
      const recordBatches = batchesOf(records);
      return { records: [], recordBatches, highWatermark: log.length, logStartOffset: 0, nextOffset };
    },
  });
  const cli = (args: string[], surroundings?: Surroundings) =>
    run([...args, '--bootstrap', broker.address], surroundings);
  return { logs, batchSizes, broker, cli };
}
