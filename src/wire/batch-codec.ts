/**
 * Encodes answers that carry record batches with one copy of each. ts-proto copies them three times: into a
 * buffer that doubles, out of it, and into a Buffer.
 *
 * The same bytes as ts-proto's for the same message; a property test holds that.
 */

import { ConsumeResponse, FetchResponse } from '../../gen/bellwether/v1/log_service.js';
import { invariant } from '../invariant.js';
import { asBuffer, numberFieldSize, varintSize, writeNumberField, writeVarint } from './protobuf.js';

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
  let size = numberFieldSize(highWatermark) + numberFieldSize(logStartOffset) + numberFieldSize(nextOffset);
  for (const batch of recordBatches) size += 1 + varintSize(batch.length) + batch.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const batch of recordBatches) {
    bytes[at] = TAG.RECORD_BATCHES;
    at = writeVarint(bytes, at + 1, batch.length);
    bytes.set(batch, at);
    at += batch.length;
  }
  at = writeNumberField(bytes, at, TAG.HIGH_WATERMARK, highWatermark);
  at = writeNumberField(bytes, at, TAG.LOG_START_OFFSET, logStartOffset);
  at = writeNumberField(bytes, at, TAG.NEXT_OFFSET, nextOffset);
  invariant(at === size, 'an answer has the size that was computed', { at, size });
  return bytes;
}
