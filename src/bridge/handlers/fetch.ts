/** Serves fetch: committed records from an offset on. Creates no topic; waits for nothing. */
import type { ConsumedRecord, FetchOptions } from '../../client/types.js';
import type { JsonObject } from '../json-form.js';
import { fetchBody } from '../messages.js';
import { fromRecordBytes } from '../record-json.js';
import { handler } from './handler.js';

export const fetch = handler(fetchBody, async (body, { client, budget }) => {
  const { topic, partition, offset, max_records: maxRecords } = body;
  const options: FetchOptions = maxRecords === undefined ? budget.call() : { ...budget.call(), maxRecords };
  const result = await client.fetch({ topic, partition }, offset, options);
  return {
    type: 'fetch_ok',
    fields: { records: result.records.map(describeRecord), high_watermark: result.highWatermark },
  };
});

function describeRecord(record: ConsumedRecord): JsonObject {
  return {
    offset: record.offset,
    key: fromRecordBytes(record.key),
    value: fromRecordBytes(record.value),
    timestamp: record.timestampMs,
  };
}
