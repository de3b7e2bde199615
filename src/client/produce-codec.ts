/**
 * The requests of a ProduceStream as bytes. By hand, as this is the hot path: the generated encoder copies a batch
 * twice, this one not at all where the batch has room in front of it. A test holds the two together.
 */
import type { Acks } from '../../gen/bellwether/v1/log_service.js';
import { invariant } from '../invariant.js';
import { REQUEST_TAG } from '../wire/produce-stream-codec.js';
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

/** The batch stands last, behind all that is in front of it. */
function writeFront(bytes: Buffer, batch: StreamedBatch, topicBytes: number, frontBytes: number): void {
  let at = writeNumberField(bytes, 0, REQUEST_TAG.REQUEST_ID, batch.requestId);
  bytes[at] = REQUEST_TAG.TOPIC;
  at = writeVarint(bytes, at + 1, topicBytes);
  at += bytes.write(batch.topic, at);
  at = writeNumberField(bytes, at, REQUEST_TAG.PARTITION, batch.partition);
  at = writeNumberField(bytes, at, REQUEST_TAG.ACKS, batch.acks);
  at = writeNumberField(bytes, at, REQUEST_TAG.TIMEOUT_MS, batch.timeoutMs);
  bytes[at] = REQUEST_TAG.RECORD_BATCH;
  at = writeVarint(bytes, at + 1, batch.recordBatch.length);
  invariant(at === frontBytes, 'the fields in front of a batch have the size that was computed', {
    at,
    frontBytes,
  });
}
