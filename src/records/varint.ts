/**
 * Varint (32 bits) and varlong (64 bits) of Kafka's record format: protobuf's zigzag encoding, seven bits a
 * byte from the lowest on, the high bit set on all bytes but the last. Pure.
 *
 * Zigzag puts the sign into the lowest bit. What stands above it is here called the magnitude: n for n >= 0,
 * and -n - 1 below 0. Split so, numbers up to 2^53 stay exact without bigint.
 */

import { invariant } from '../invariant.js';
import { MalformedBytesError, type ByteCursor } from './byte-cursor.js';

/** Longest varlong that holds a safe integer: 6 bits in the first byte, 7 in each other. */
const VARLONG_BYTES_MAX = 8;

const INT32_MIN = -2_147_483_648;
const INT32_MAX = 2_147_483_647;

/** Size in bytes of the varlong of a safe integer: 1 to 8. A varint of the same number has the same size. */
export function varlongSize(value: number): number {
  let magnitude = value < 0 ? -value - 1 : value;
  let sizeBytes = 1;
  for (magnitude = Math.floor(magnitude / 64); magnitude > 0; magnitude = Math.floor(magnitude / 128)) {
    sizeBytes++;
  }
  return sizeBytes;
}

/** Size in bytes of the varint of an int32: 1 to 5. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a safe integer into `bytes` from `position`; returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  invariant(Number.isSafeInteger(value), 'varlong out of range', { value });
  const sign = value < 0 ? 1 : 0;
  const magnitude = sign === 1 ? -value - 1 : value;
  let next = position;
  let low = ((magnitude % 64) << 1) | sign;
  let rest = Math.floor(magnitude / 64);
  while (rest > 0) {
    bytes[next++] = low | 0x80;
    low = rest % 128;
    rest = Math.floor(rest / 128);
  }
  bytes[next++] = low;
  return next;
}

/** Writes an int32 into `bytes` from `position`; returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  invariant((value | 0) === value, 'varint out of range', { value });
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let next = position;
  while (zigzag >= 0x80) {
    bytes[next++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  bytes[next++] = zigzag;
  return next;
}

/**
 * Reads a varlong. Throws `MalformedBytesError` when the bytes end early, when it is overlong (more bytes
 * than its number needs), and when the number is no safe integer.
 */
export function readVarlong(cursor: ByteCursor): number {
  const start = cursor.position;
  let byte = cursor.readByte();
  const sign = byte & 1;
  let magnitude = (byte & 0x7f) >> 1;
  let scale = 64;
  for (let sizeBytes = 1; byte >= 0x80; sizeBytes++) {
    if (sizeBytes === VARLONG_BYTES_MAX) throw new MalformedBytesError('varlong too long', start);
    byte = cursor.readByte();
    if (byte === 0) throw new MalformedBytesError('overlong varlong', start);
    magnitude += (byte & 0x7f) * scale;
    scale *= 128;
  }
  const value = sign === 1 ? -magnitude - 1 : magnitude;
  if (!Number.isSafeInteger(value)) throw new MalformedBytesError('varlong out of range', start);
  return value;
}

/** Reads a varint. Throws as `readVarlong` does, and when the number is no int32. */
export function readVarint(cursor: ByteCursor): number {
  const start = cursor.position;
  const first = cursor.readByte();
  // Nearly every varint of a record is one byte.
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  cursor.position = start;
  const value = readVarlong(cursor);
  if (value < INT32_MIN || value > INT32_MAX) throw new MalformedBytesError('varint out of range', start);
  return value;
}
