/** How the values of a history are written into records: a number, and filling that must come back too. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is read where no value of ours is: the judge calls it a phantom. */
export const FOREIGN_VALUE = -1;

/** Bytes that hold any value. */
export const VALUE_BYTES_MIN = 16;

/** `value` in decimal, then dots up to `sizeBytes`. */
export function encodeValue(value: number, sizeBytes: number): Uint8Array {
  return encoder.encode(String(value).padEnd(sizeBytes, '.'));
}

/** The value in a record; `FOREIGN_VALUE` when a single byte is not as `encodeValue` wrote it. */
export function decodeValue(bytes: Uint8Array | undefined, sizeBytes: number): number {
  const text = decoder.decode(bytes);
  const value = Number.parseInt(text, 10);
  return value > 0 && text === String(value).padEnd(sizeBytes, '.') ? value : FOREIGN_VALUE;
}
