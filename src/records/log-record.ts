/** What a record is, to those who write it and those who read it back. Pure. */

import type { Offset } from './offset.js';

/** A header of a record. Keys may repeat. */
export interface LogRecordHeader {
  readonly key: string;
  /** Undefined is null. */
  readonly value: Uint8Array | undefined;
}

/** A record to append. */
export interface LogRecord {
  /** Undefined is null. */
  readonly key: Uint8Array | undefined;
  /** Undefined is null (a tombstone). */
  readonly value: Uint8Array | undefined;
  readonly headers: readonly LogRecordHeader[];
  /** Milliseconds since the Unix epoch; -1 for none. */
  readonly timestampMs: number;
}

/** A record that has its place in the log. */
export interface StoredRecord extends LogRecord {
  readonly offset: Offset;
}
