/**
 * The history of a log as its clients saw it: what they sent, what they polled, and what they were told.
 * It holds nothing that only a broker could know.
 */

/** What every operation says about itself. */
interface OperationBase {
  /**
   * The client that did it, one operation at a time: its operations stand in the history in the order in
   * which it did them. Those of different processes may stand in any order.
   */
  readonly process: number;
  /** The log it was about: one partition, by a name of the recorder's choice. */
  readonly key: string;
  /** When it was begun, in milliseconds of one clock. For people: the checker goes by order only. */
  readonly invokedAtMs: number;
}

/**
 * What the client may believe about a send.
 * - `ok`: acknowledged. The value is in the log, and stays there.
 * - `failed`: the client was told that the value was not and will never be appended.
 * - `unknown`: appended now, later or never (a timeout, a lost connection, still in flight at the end).
 */
export type SendOutcome = 'ok' | 'failed' | 'unknown';

/** One value appended, or not. No two sends to one key have the same value. */
export interface Send extends OperationBase {
  readonly kind: 'send';
  /** Undefined while nothing came back. */
  readonly completedAtMs: number | undefined;
  readonly outcome: SendOutcome;
  readonly value: number;
  /** Where it was acknowledged, from 0; undefined when the client was not told. */
  readonly offset?: number | undefined;
}

/** An offset and the value that was read there. */
export type ReadRecord = readonly [offset: number, value: number];

/** One read of consecutive records; the next poll of the process and key goes on after its last one. */
export interface Poll extends OperationBase {
  readonly kind: 'poll';
  readonly completedAtMs: number;
  /** A failed poll returned nothing and moved nothing. */
  readonly outcome: 'ok' | 'failed';
  /** The offset asked for, inclusive. */
  readonly from: number;
  /** In the order in which they were returned; may be empty, as nobody promises to be up to date. */
  readonly records: readonly ReadRecord[];
}

/** The process gave up its place in `key`: its next poll may begin anywhere. */
export interface Assign extends OperationBase {
  readonly kind: 'assign';
  readonly completedAtMs: number;
}

export type Operation = Send | Poll | Assign;
