/**
 * Encodes answers that carry record batches with one copy of each. ts-proto copies them three times: into a
 * buffer that doubles, out of it, and into a Buffer.
 *
 * The same bytes as ts-proto's for the same message; a property test holds that.
 */

import { ConsumeResponse, FetchResponse } from '../../gen/bellwether/v1/log_service.js';
import { invariant } from '../invariant.js';

/** The fields of both answers, which have the same numbers in both (log_service.proto). */
type Answer = ConsumeResponse | FetchResponse;

/** First bytes of the fields: number << 3 | wire type. */
const TAG = {
  RECORD_BATCHES: 0x12,
  HIGH_WATERMARK: 0x18,
  LOG_START_OFFSET: 0x20,
  NEXT_OFFSET: 0x28,
} as const;

export function encodeConsumeResponse(answer: ConsumeResponse): Buffer {
  return answer.records.length > 0
    ? asBuffer(ConsumeResponse.encode(answer).finish())
    : encodeBatches(answer);
}

export function encodeFetchResponse(answer: FetchResponse): Buffer {
  return answer.records.length > 0 ? asBuffer(FetchResponse.encode(answer).finish()) : encodeBatches(answer);
}

function encodeBatches({ recordBatches, highWatermark, logStartOffset, nextOffset }: Answer): Buffer {
  let size = fieldSize(highWatermark) + fieldSize(logStartOffset) + fieldSize(nextOffset);
  for (const batch of recordBatches) size += 1 + varintSize(batch.length) + batch.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const batch of recordBatches) {
    bytes[at] = TAG.RECORD_BATCHES;
    at = writeVarint(bytes, at + 1, batch.length);
    bytes.set(batch, at);
    at += batch.length;
  }
  at = writeField(bytes, at, TAG.HIGH_WATERMARK, highWatermark);
  at = writeField(bytes, at, TAG.LOG_START_OFFSET, logStartOffset);
  at = writeField(bytes, at, TAG.NEXT_OFFSET, nextOffset);
  invariant(at === size, 'an answer has the size that was computed', { at, size });
  return bytes;
}

/** Zero is not written (proto3). */
function fieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function writeField(bytes: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, value);
}

/** Bytes of an unsigned protobuf varint, not zigzag as Kafka's; up to 2^53 - 1. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  invariant(Number.isSafeInteger(value) && value >= 0, 'an offset is a safe integer from 0', { value });
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at] = rest;
  return at + 1;
}

/** The same memory as a Buffer, which grpc-js insists on. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
