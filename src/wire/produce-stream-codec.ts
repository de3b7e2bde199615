/**
 * The messages of a ProduceStream as a broker reads and writes them and a client reads the answers: one of each for a
 * record alone. Encoded straight into a Buffer, decoded without BigInt (proto-reader.ts). Answers with an error, and
 * requests of clients that write other fields than ours, are left to ts-proto. The client's encoder is
 * client/produce-codec.ts.
 *
 * The same messages as ts-proto's both ways; property tests hold that.
 */

import {
  type Acks,
  ProduceStreamRequest,
  ProduceStreamResponse,
} from '../../gen/bellwether/v1/log_service.js';
import { invariant } from '../invariant.js';
import { ProtoReader } from './proto-reader.js';
import { asBuffer, numberFieldSize, writeNumberField } from './protobuf.js';

/** First bytes of the fields: number << 3 | wire type (log_service.proto). */
export const REQUEST_TAG = {
  REQUEST_ID: 0x08,
  TOPIC: 0x12,
  PARTITION: 0x18,
  ACKS: 0x20,
  RECORD_BATCH: 0x2a,
  TIMEOUT_MS: 0x30,
} as const;
const ANSWER_TAG = {
  REQUEST_ID: 0x08,
  BASE_OFFSET: 0x10,
  TERM: 0x18,
  RECORD_COUNT: 0x20,
  DUPLICATE: 0x30,
} as const;

const NOTHING = new Uint8Array(0);

/** The batch is a view of `bytes`. @throws what the generated decoder throws for bytes that are no such message */
export function decodeProduceStreamRequest(bytes: Uint8Array): ProduceStreamRequest {
  const reader = new ProtoReader(bytes);
  const end = bytes.length;
  const request: ProduceStreamRequest = {
    requestId: 0,
    topic: '',
    partition: 0,
    acks: 0,
    recordBatch: NOTHING,
    timeoutMs: 0,
  };
  while (reader.isBefore(end)) {
    const tag = reader.number();
    if (tag === REQUEST_TAG.REQUEST_ID) request.requestId = reader.number();
    else if (tag === REQUEST_TAG.TOPIC) request.topic = reader.text(end);
    else if (tag === REQUEST_TAG.PARTITION) request.partition = reader.int32();
    else if (tag === REQUEST_TAG.ACKS) request.acks = reader.int32() as Acks;
    else if (tag === REQUEST_TAG.RECORD_BATCH) request.recordBatch = reader.bytes(end);
    else if (tag === REQUEST_TAG.TIMEOUT_MS) request.timeoutMs = reader.int32();
    else reader.giveUp();
  }
  return reader.hasGivenUp ? ProduceStreamRequest.decode(bytes) : request;
}

export function encodeProduceStreamResponse(response: ProduceStreamResponse): Buffer {
  const { requestId, baseOffset, term, recordCount, error } = response;
  if (error !== undefined || baseOffset < 0 || requestId < 0) {
    return asBuffer(ProduceStreamResponse.encode(response).finish());
  }
  const duplicate = Number(response.duplicate);
  const size =
    numberFieldSize(requestId) +
    numberFieldSize(baseOffset) +
    numberFieldSize(term) +
    numberFieldSize(recordCount) +
    numberFieldSize(duplicate);
  const bytes = Buffer.allocUnsafe(size);
  let at = writeNumberField(bytes, 0, ANSWER_TAG.REQUEST_ID, requestId);
  at = writeNumberField(bytes, at, ANSWER_TAG.BASE_OFFSET, baseOffset);
  at = writeNumberField(bytes, at, ANSWER_TAG.TERM, term);
  at = writeNumberField(bytes, at, ANSWER_TAG.RECORD_COUNT, recordCount);
  at = writeNumberField(bytes, at, ANSWER_TAG.DUPLICATE, duplicate);
  invariant(at === size, 'an answer has the size that was computed', { at, size });
  return bytes;
}

/** @throws what the generated decoder throws for bytes that are no such message */
export function decodeProduceStreamResponse(bytes: Uint8Array): ProduceStreamResponse {
  const reader = new ProtoReader(bytes);
  const end = bytes.length;
  const response: ProduceStreamResponse = {
    requestId: 0,
    baseOffset: 0,
    term: 0,
    recordCount: 0,
    error: undefined,
    duplicate: false,
  };
  while (reader.isBefore(end)) {
    const tag = reader.number();
    if (tag === ANSWER_TAG.REQUEST_ID) response.requestId = reader.number();
    else if (tag === ANSWER_TAG.BASE_OFFSET) response.baseOffset = reader.number();
    else if (tag === ANSWER_TAG.TERM) response.term = reader.int32();
    else if (tag === ANSWER_TAG.RECORD_COUNT) response.recordCount = reader.int32();
    else if (tag === ANSWER_TAG.DUPLICATE) response.duplicate = reader.number() !== 0;
    else reader.giveUp();
  }
  return reader.hasGivenUp ? ProduceStreamResponse.decode(bytes) : response;
}
