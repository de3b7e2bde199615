/** The parts of protobuf's wire format that hand-made encoders of hot paths are built of. */

import { invariant } from '../invariant.js';

/** Bytes of an unsigned varint, not zigzag as Kafka's; up to 2^53 - 1. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Writes a safe integer from 0; returns the position behind it. */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a number on the wire is a safe integer from 0', {
    value,
  });
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at] = rest;
  return at + 1;
}

/** Bytes of a number with a tag of one byte. Zero is not written (proto3). */
export function numberFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

export function writeNumberField(bytes: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, value);
}

/** The same memory as a Buffer, which grpc-js insists on. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
