/**
 * The requests of a ProduceStream as bytes. By hand, as this is the hot path: the generated encoder copies a batch
 * twice. A test holds the two together.
 */
import type { Acks } from '../../gen/bellwether/v1/log_service.js';

/** What one request carries. Field numbers: proto/bellwether/v1/log_service.proto. */
export interface StreamedBatch {
  readonly requestId: number;
  readonly topic: string;
  readonly partition: number;
  readonly acks: Acks;
  readonly recordBatch: Uint8Array;
  readonly timeoutMs: number;
}

/** Key of a field: its number and its wire type, 0 for a varint and 2 for bytes. */
const KEY = { requestId: 0x08, topic: 0x12, partition: 0x18, acks: 0x20, recordBatch: 0x2a, timeoutMs: 0x30 };

/** Bytes of the keys and of the numbers at most: six keys, one varint of 64 bits, five of 32. */
const OVERHEAD_BYTES_MAX = 6 + 10 + 5 * 5;

/** Topic names are ASCII, so their length is their size. */
export function encodeStreamedBatch(batch: StreamedBatch): Buffer {
  const { topic, recordBatch } = batch;
  const bytes = Buffer.allocUnsafe(OVERHEAD_BYTES_MAX + topic.length * 3 + recordBatch.length);
  let at = number(bytes, 0, KEY.requestId, batch.requestId);
  at = number(bytes, at, KEY.topic, Buffer.byteLength(topic));
  at += bytes.write(topic, at);
  at = number(bytes, at, KEY.partition, batch.partition);
  at = number(bytes, at, KEY.acks, batch.acks);
  at = number(bytes, at, KEY.recordBatch, recordBatch.length);
  bytes.set(recordBatch, at);
  at = number(bytes, at + recordBatch.length, KEY.timeoutMs, batch.timeoutMs);
  return bytes.subarray(0, at);
}

/** Writes a key of one byte and a varint: `value` is a safe integer from 0. */
function number(bytes: Buffer, position: number, key: number, value: number): number {
  bytes[position] = key;
  let at = position + 1;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}
