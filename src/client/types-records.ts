/** The SDK's public types of records. */

/** Bytes of a record; text is sent as UTF-8. */
export type Payload = Uint8Array | string;

/** A header of a record read back. */
export interface RecordHeader {
  readonly key: string;
  /** Undefined is null. */
  readonly value: Uint8Array | undefined;
}

/** A header of a record to append. Keys may repeat. */
export interface OutgoingHeader {
  readonly key: string;
  /** Undefined is null. */
  readonly value?: Payload | null | undefined;
}

/** A record to append. */
export interface ProducerRecord {
  /** Undefined is null. */
  readonly key?: Payload | null | undefined;
  /** Undefined is null (a tombstone). */
  readonly value: Payload | null | undefined;
  readonly headers?: readonly OutgoingHeader[] | undefined;
  /** Milliseconds since the Unix epoch. Default: now. */
  readonly timestampMs?: number | undefined;
}

/** A record read back. */
export interface ConsumedRecord {
  readonly offset: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number;
}

/** How much must have happened before a produce is acknowledged: none, the leader's disk, a quorum. */
export type Acks = 0 | 1 | 'all';
