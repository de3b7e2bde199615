/**
 * CRC-32C (Castagnoli), the checksum of Kafka's record batches. Pure: what may be put in place of the tables computes the
 * same, and is checked for that.
 */
import { invariant } from './invariant.js';

/** The polynomial 0x1EDC6F41 with its bits reversed (RFC 3720, section 12.1). */
const POLYNOMIAL = 0x82f63b78;

const BYTE_VALUES = 256;
const SLICES = 8;

/**
 * Entry `256 * k + byte` is what `byte` adds to the checksum with k more bytes after it: the tables of
 * "slicing-by-8" (Kounavis and Berry, "A Systematic Approach to Building High Performance, Software-based,
 * CRC Generators", ISCC 2005), which take eight bytes a step.
 */
const TABLE = makeTable();

/** Fewer bytes take the tables less time than a call out of JavaScript takes. */
const CALL_BYTES_MIN = 256;

/** The check value of the CRC catalogue: what "123456789" comes to. */
const CHECKED_TEXT = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));
const CHECK_VALUE = 0xe3069283;

let computeFast: ((bytes: Uint8Array) => number) | undefined;

/** From now on `compute` does what is long. Undefined for the tables. */
export function computeCrc32cBy(compute: ((bytes: Uint8Array) => number) | undefined): void {
  const isRight = compute === undefined || compute(CHECKED_TEXT) === CHECK_VALUE;
  invariant(isRight, 'what computes CRC-32C gives its check value');
  computeFast = compute;
}

/**
 * CRC-32C of `bytes` from `start` (inclusive) to `end` (exclusive), as an unsigned 32-bit number.
 * By default of all of them.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (computeFast !== undefined && end - start >= CALL_BYTES_MIN) {
    return computeFast(bytes.subarray(start, end));
  }
  return computeByTables(bytes, start, end);
}

function computeByTables(bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = -1;
  let position = start;
  // `?? 0` is for the compiler only: no index can leave the table.
  for (; position + SLICES <= end; position += SLICES) {
    const low = crc ^ view.getInt32(position, true);
    const high = view.getInt32(position + 4, true);
    crc =
      (TABLE[1792 + (low & 0xff)] ?? 0) ^
      (TABLE[1536 + ((low >>> 8) & 0xff)] ?? 0) ^
      (TABLE[1280 + ((low >>> 16) & 0xff)] ?? 0) ^
      (TABLE[1024 + (low >>> 24)] ?? 0) ^
      (TABLE[768 + (high & 0xff)] ?? 0) ^
      (TABLE[512 + ((high >>> 8) & 0xff)] ?? 0) ^
      (TABLE[256 + ((high >>> 16) & 0xff)] ?? 0) ^
      (TABLE[high >>> 24] ?? 0);
  }
  for (; position < end; position++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ view.getUint8(position)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

function makeTable(): Int32Array {
  const table = new Int32Array(BYTE_VALUES * SLICES);
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[byte] = crc;
  }
  for (let at = BYTE_VALUES; at < table.length; at++) {
    const crc = table[at - BYTE_VALUES] ?? 0;
    table[at] = (crc >>> 8) ^ (table[crc & 0xff] ?? 0);
  }
  return table;
}
