/**
 * The one error class, and the names of the one error table: every way in which Bellwether says no.
 *
 * Pure. The rows are in error-table.ts, their wire form (google.rpc.Status) is made in wire/status.ts, the
 * Maelstrom codes in bridge/maelstrom-errors.ts.
 */

import type { ErrorRow, Outcome } from './error-row.js';
import { ERROR_TABLE } from './error-table.js';

/** What programs switch on. */
export type Reason = keyof typeof ERROR_TABLE;

/** The broker to ask instead. */
export interface LeaderHint {
  readonly leader: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** Term in which it leads; adopt the hint only when newer than what is known. */
  readonly term: number;
}

/** True for a string that is a reason of the table. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(ERROR_TABLE, text);
}

/**
 * The one error class, on brokers and in the SDK. `message` says what happened in this case; every
 * dynamic part of it stands in `metadata` too (AIP-193), so that programs never parse text.
 */
export class BellwetherError extends Error {
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly leaderHint: LeaderHint | undefined;

  constructor(
    reason: Reason,
    message: string,
    options: {
      readonly metadata?: Readonly<Record<string, string>>;
      readonly leaderHint?: LeaderHint | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BellwetherError';
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.leaderHint = options.leaderHint;
  }

  get row(): ErrorRow {
    return ERROR_TABLE[this.reason];
  }

  /** Whether the write was applied. */
  get outcome(): Outcome {
    return this.row.outcome;
  }

  /** True when the same request can succeed later and sending it again cannot duplicate a write. */
  get retryable(): boolean {
    const { retry } = this.row;
    return retry === 'same_broker' || retry === 'refresh_metadata';
  }
}
