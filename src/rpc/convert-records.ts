/** Records as people type them, to and from the Kafka v2 batches that are stored. */

import type { Record as WireRecord } from '../../gen/bellwether/v1/types.js';
import { decodeRecordBatch } from '../records/batch-decode.js';
import { encodeRecordBatch } from '../records/batch-encode.js';
import { readBatchHeader } from '../records/batch-header.js';
import { asOffset } from '../records/offset.js';
import { invalid } from './fields.js';

/** One batch of all the records; those without a timestamp get `nowMs`. */
export function encodeRecords(records: readonly WireRecord[], nowMs: number): Uint8Array {
  return encodeRecordBatch(
    records.map(({ key, value, headers, timestampMs }, i) => {
      if (timestampMs < 0) {
        throw invalid(`records[${String(i)}].timestamp_ms`, 'must not be negative', timestampMs);
      }
      return {
        key,
        value,
        headers: headers.map((header) => ({ key: header.key, value: header.value })),
        timestampMs: timestampMs === 0 ? nowMs : timestampMs,
      };
    }),
  );
}

/** Records from `offset` on, `recordsMax` at most. */
export function decodeBatches(
  batches: readonly Uint8Array[],
  offset: number,
  recordsMax: number,
): WireRecord[] {
  const records: WireRecord[] = [];
  for (const batch of batches) {
    const left = recordsMax - records.length;
    if (left <= 0) break;
    for (const record of decodeRecordBatch(batch, asOffset(offset), left)) {
      records.push({
        offset: record.offset,
        key: record.key,
        value: record.value,
        headers: record.headers.map(({ key, value }) => ({ key, value })),
        timestampMs: record.timestampMs,
      });
    }
  }
  return records;
}

/** First offset behind a batch. */
export function batchEndOffset(batch: Uint8Array): number {
  const { baseOffset, recordCount } = readBatchHeader(batch);
  return baseOffset + recordCount;
}
