/**
 * The requests of a ProduceStream as bytes. By hand, as this is the hot path: the generated encoder copies a batch
 * twice, this one not at all where the batch has room in front of it. A test holds the two together.
 */
import type { Acks } from '../../gen/bellwether/v1/log_service.js';
import { invariant } from '../invariant.js';
import { numberFieldSize, varintSize, writeNumberField, writeVarint } from '../wire/protobuf.js';

/** What one request carries. Field numbers: proto/bellwether/v1/log_service.proto. */
export interface StreamedBatch {
  readonly requestId: number;
  readonly topic: string;
  readonly partition: number;
  readonly acks: Acks;
  readonly recordBatch: Uint8Array;
  /** So many bytes in front of `recordBatch`, in its memory, may be written over. */
  readonly headroomBytes: number;
  readonly timeoutMs: number;
}

/** First bytes of the fields: number << 3 | wire type. The batch stands last, behind all that is in front of it. */
const TAG = {
  REQUEST_ID: 0x08,
  TOPIC: 0x12,
  PARTITION: 0x18,
  ACKS: 0x20,
  RECORD_BATCH: 0x2a,
  TIMEOUT_MS: 0x30,
};

export function encodeStreamedBatch(batch: StreamedBatch): Buffer {
  const { recordBatch, headroomBytes } = batch;
  const topicBytes = Buffer.byteLength(batch.topic);
  const frontBytes = frontSize(batch, topicBytes);
  if (headroomBytes >= frontBytes) {
    const { buffer, byteOffset, length } = recordBatch;
    const bytes = Buffer.from(buffer, byteOffset - frontBytes, frontBytes + length);
    writeFront(bytes, batch, topicBytes, frontBytes);
    return bytes;
  }
  const bytes = Buffer.allocUnsafe(frontBytes + recordBatch.length);
  writeFront(bytes, batch, topicBytes, frontBytes);
  bytes.set(recordBatch, frontBytes);
  return bytes;
}

function frontSize(batch: StreamedBatch, topicBytes: number): number {
  return (
    numberFieldSize(batch.requestId) +
    (1 + varintSize(topicBytes) + topicBytes) +
    numberFieldSize(batch.partition) +
    numberFieldSize(batch.acks) +
    numberFieldSize(batch.timeoutMs) +
    (1 + varintSize(batch.recordBatch.length))
  );
}

function writeFront(bytes: Buffer, batch: StreamedBatch, topicBytes: number, frontBytes: number): void {
  let at = writeNumberField(bytes, 0, TAG.REQUEST_ID, batch.requestId);
  bytes[at] = TAG.TOPIC;
  at = writeVarint(bytes, at + 1, topicBytes);
  at += bytes.write(batch.topic, at);
  at = writeNumberField(bytes, at, TAG.PARTITION, batch.partition);
  at = writeNumberField(bytes, at, TAG.ACKS, batch.acks);
  at = writeNumberField(bytes, at, TAG.TIMEOUT_MS, batch.timeoutMs);
  bytes[at] = TAG.RECORD_BATCH;
  at = writeVarint(bytes, at + 1, batch.recordBatch.length);
  invariant(at === frontBytes, 'the fields in front of a batch have the size that was computed', {
    at,
    frontBytes,
  });
}
