/**
 * Walks over the records of an uncompressed batch without an object for each. Pure.
 *
 * A record (https://kafka.apache.org/documentation/#record): length varint (bytes after it), attributes int8
 * (unused), timestamp delta varlong, offset delta varint, key size varint, key, value size varint, value,
 * header count varint, then for each header key size varint, key, value size varint, value. Size -1 is null;
 * the key of a header cannot be null.
 */

import { BATCH_HEADER_BYTES } from './batch-header.js';
import { ByteCursor, MalformedBytesError } from './byte-cursor.js';
import { readVarint, readVarlong } from './varint.js';

/** Size that stands for null. */
export const NULL_SIZE = -1;

/**
 * Stands on one record at a time. The fields describe the record that the last `next` read; positions are
 * bytes from the start of the batch. `next` and `skip` throw `MalformedBytesError` when the record breaks
 * the format or leaves the batch.
 */
export class RecordWalk {
  timestampDeltaMs = 0;
  offsetDelta = 0;
  keyStart = 0;
  /** -1 for null, as `valueSize`. */
  keySize = NULL_SIZE;
  valueStart = 0;
  valueSize = NULL_SIZE;
  headerCount = 0;
  /** First byte after the header count. */
  headersStart = 0;
  readonly #cursor: ByteCursor;

  constructor(batch: Uint8Array) {
    this.#cursor = new ByteCursor(batch, BATCH_HEADER_BYTES);
  }

  /** Bytes after the last record read. */
  get remainingBytes(): number {
    return this.#cursor.remainingBytes;
  }

  /** Reads the next record and checks all of its lengths. */
  next(): void {
    const cursor = this.#cursor;
    const start = cursor.position;
    const sizeBytes = readVarint(cursor);
    const end = cursor.position + sizeBytes;
    cursor.skip(1);
    this.timestampDeltaMs = readVarlong(cursor);
    this.offsetDelta = readVarint(cursor);
    this.keySize = readVarint(cursor);
    this.keyStart = cursor.position;
    skipNullable(cursor, this.keySize);
    this.valueSize = readVarint(cursor);
    this.valueStart = cursor.position;
    skipNullable(cursor, this.valueSize);
    this.headerCount = readVarint(cursor);
    this.headersStart = cursor.position;
    if (this.headerCount < 0) throw new MalformedBytesError('negative header count', cursor.position);
    for (let nth = 0; nth < this.headerCount; nth++) {
      cursor.skip(readVarint(cursor));
      skipNullable(cursor, readVarint(cursor));
    }
    // An inner length that passed the record's end inside the batch shows here.
    if (cursor.position !== end) {
      throw new MalformedBytesError(`record of length ${sizeBytes} has other contents`, start);
    }
  }

  /** Steps over the next record without a look inside. */
  skip(): void {
    this.#cursor.skip(readVarint(this.#cursor));
  }
}

function skipNullable(cursor: ByteCursor, sizeBytes: number): void {
  if (sizeBytes !== NULL_SIZE) cursor.skip(sizeBytes);
}
