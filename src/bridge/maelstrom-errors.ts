/**
 * Owns the bodies of error replies: Maelstrom's code for every reason, with reason and outcome beside it.
 *
 * Codes 0 and 13 are indefinite for Maelstrom, all others say that nothing was applied; hence the
 * outcome decides between them. Source: Maelstrom doc/protocol.md, "Errors".
 */
import { ERROR_TABLE } from '../error-table.js';
import { BellwetherError, type Reason } from '../errors.js';
import type { Reply } from './replies.js';

/** Maelstrom's error codes that the bridge uses. */
export const MAELSTROM_CODE = {
  NOT_SUPPORTED: 10,
  TEMPORARILY_UNAVAILABLE: 11,
  MALFORMED_REQUEST: 12,
  CRASH: 13,
  KEY_DOES_NOT_EXIST: 20,
  KEY_ALREADY_EXISTS: 21,
  PRECONDITION_FAILED: 22,
} as const;

export type MaelstromCode = (typeof MAELSTROM_CODE)[keyof typeof MAELSTROM_CODE];

/** The code of every reason. */
export const CODE_BY_REASON: Readonly<Record<Reason, MaelstromCode>> = {
  INVALID_REQUEST: MAELSTROM_CODE.MALFORMED_REQUEST,
  RECORD_BATCH_TOO_LARGE: MAELSTROM_CODE.MALFORMED_REQUEST,
  CORRUPT_RECORD_BATCH: MAELSTROM_CODE.MALFORMED_REQUEST,
  UNSUPPORTED_RECORD_BATCH: MAELSTROM_CODE.MALFORMED_REQUEST,
  OFFSET_OUT_OF_RANGE: MAELSTROM_CODE.MALFORMED_REQUEST,
  UNKNOWN_TOPIC_OR_PARTITION: MAELSTROM_CODE.KEY_DOES_NOT_EXIST,
  TOPIC_ALREADY_EXISTS: MAELSTROM_CODE.KEY_ALREADY_EXISTS,
  BROKER_NOT_FOUND: MAELSTROM_CODE.KEY_DOES_NOT_EXIST,
  BROKER_ALREADY_EXISTS: MAELSTROM_CODE.KEY_ALREADY_EXISTS,
  NOT_LEADER: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  NO_LEADER: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  NOT_ENOUGH_REPLICAS: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  UNANSWERED_BYTES_EXCEEDED: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  UNCOMMITTED_BYTES_EXCEEDED: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  DISK_FULL: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  BROKER_WRITE_BUFFER_FULL: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  SEND_BUFFER_FULL: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  SEND_TIMEOUT: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  TOO_MANY_READS: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  TOO_MANY_STREAMS: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  TOO_MANY_WATCHES: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  TRANSFER_ABORTED: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  SHUTTING_DOWN: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  CONNECTION_FAILED: MAELSTROM_CODE.TEMPORARILY_UNAVAILABLE,
  INVALID_REPLICATION_FACTOR: MAELSTROM_CODE.PRECONDITION_FAILED,
  BROKER_CHANGE_REFUSED: MAELSTROM_CODE.PRECONDITION_FAILED,
  REASSIGNMENT_REFUSED: MAELSTROM_CODE.PRECONDITION_FAILED,
  NO_REASSIGNMENT: MAELSTROM_CODE.PRECONDITION_FAILED,
  HISTORY_TRIMMED: MAELSTROM_CODE.PRECONDITION_FAILED,
  WATCH_TOO_SLOW: MAELSTROM_CODE.PRECONDITION_FAILED,
  OUT_OF_ORDER_SEQUENCE: MAELSTROM_CODE.PRECONDITION_FAILED,
  FENCED_PRODUCER: MAELSTROM_CODE.PRECONDITION_FAILED,
  FENCED_TERM: MAELSTROM_CODE.PRECONDITION_FAILED,
  FENCED_GENERATION: MAELSTROM_CODE.PRECONDITION_FAILED,
  TARGET_NOT_ELIGIBLE: MAELSTROM_CODE.PRECONDITION_FAILED,
  STORAGE_CORRUPT: MAELSTROM_CODE.PRECONDITION_FAILED,
  DATA_DIRECTORY_UNUSABLE: MAELSTROM_CODE.PRECONDITION_FAILED,
  DATA_DIRECTORY_IN_USE: MAELSTROM_CODE.PRECONDITION_FAILED,
  DATA_DIRECTORY_MISMATCH: MAELSTROM_CODE.PRECONDITION_FAILED,
  ADDRESS_UNAVAILABLE: MAELSTROM_CODE.PRECONDITION_FAILED,
  CLUSTER_MISMATCH: MAELSTROM_CODE.PRECONDITION_FAILED,
  CLIENT_CLOSED: MAELSTROM_CODE.PRECONDITION_FAILED,
  LEADERSHIP_LOST: MAELSTROM_CODE.CRASH,
  COMMIT_TIMEOUT: MAELSTROM_CODE.CRASH,
  STORAGE_FAILED: MAELSTROM_CODE.CRASH,
  CONNECTION_LOST: MAELSTROM_CODE.CRASH,
  REQUEST_TIMEOUT: MAELSTROM_CODE.CRASH,
  INTERNAL: MAELSTROM_CODE.CRASH,
};

/** An error whose code the bridge chooses itself, whatever its reason. */
export class BridgeError extends Error {
  readonly code: MaelstromCode;
  readonly reason: Reason;

  constructor(code: MaelstromCode, message: string, reason: Reason = 'INVALID_REQUEST', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BridgeError';
    this.code = code;
    this.reason = reason;
  }
}

/** True when the SDK says that there is no such topic or partition. */
export function isUnknownTopic(error: unknown): error is BellwetherError {
  return error instanceof BellwetherError && error.reason === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** The same failure under code 13, which promises nothing about what was applied. */
export function asIndefinite(error: unknown, doing: string): BridgeError {
  return new BridgeError(MAELSTROM_CODE.CRASH, `${doing}: ${messageOf(error)}`, reasonOf(error), error);
}

/** The reply that tells of `error`. Whatever the bridge does not know is a defect: code 13. */
export function errorReply(error: unknown): Reply {
  const reason = reasonOf(error);
  return {
    type: 'error',
    fields: {
      code: error instanceof BridgeError ? error.code : CODE_BY_REASON[reason],
      text: messageOf(error),
      reason,
      outcome: ERROR_TABLE[reason].outcome,
    },
  };
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function reasonOf(error: unknown): Reason {
  return error instanceof BridgeError || error instanceof BellwetherError ? error.reason : 'INTERNAL';
}
