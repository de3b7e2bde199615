/**
 * The bytes of `grpc-status-details-bin`: google.rpc.Status with ErrorInfo, LeaderHint and RetryInfo.
 * grpc-js neither writes nor reads them. Type URLs are mapped by hand.
 */
import { LeaderHint } from '../../gen/bellwether/v1/error_details.js';
import type { Any } from '../../gen/google/protobuf/any.js';
import { ErrorInfo, RetryInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import type { BellwetherError, LeaderHint as LeaderHintFields } from '../errors.js';
import { GRPC_CODE } from '../error-row.js';

/** Domain of every ErrorInfo that Bellwether sends. */
export const ERROR_DOMAIN = 'bellwether';

/** Key of ErrorInfo.metadata that holds the outcome. */
const OUTCOME_KEY = 'outcome';

/** Entries of ErrorInfo.metadata sent at most; with the next bound it keeps trailers at a few KiB. */
const METADATA_ENTRIES_MAX = 16;

/** Characters of one value of ErrorInfo.metadata sent at most. */
const METADATA_VALUE_CHARS_MAX = 256;

/** Pause that RetryInfo asks for, in nanoseconds: 100 ms when a limit was hit, else 20 ms. */
const RETRY_DELAY_NANOS = { limit: 100_000_000, other: 20_000_000 } as const;

const TYPE_URL = {
  errorInfo: 'type.googleapis.com/google.rpc.ErrorInfo',
  retryInfo: 'type.googleapis.com/google.rpc.RetryInfo',
  leaderHint: 'type.googleapis.com/bellwether.v1.LeaderHint',
} as const;

/** What a peer said about an error. */
export interface StatusDetails {
  /** As sent; a newer broker may know reasons that this version does not. */
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly leaderHint: LeaderHintFields | undefined;
}

/** Encodes `error`; `text` becomes Status.message, which tools such as grpcurl print. */
export function encodeStatusDetails(error: BellwetherError, text: string): Uint8Array {
  return Status.encode(statusOf(error, text)).finish();
}

/** `error` as google.rpc.Status, for where it is part of a message; `text` becomes its message. */
export function statusOf(error: BellwetherError, text: string): Status {
  const details = [any(TYPE_URL.errorInfo, ErrorInfo.encode(errorInfo(error)).finish())];
  const hint = error.leaderHint;
  if (hint !== undefined) details.push(any(TYPE_URL.leaderHint, LeaderHint.encode({ ...hint }).finish()));
  const nanos = retryDelayNanos(error);
  if (nanos !== undefined) {
    const retryInfo = RetryInfo.encode({ retryDelay: { seconds: 0, nanos } });
    details.push(any(TYPE_URL.retryInfo, retryInfo.finish()));
  }
  return { code: error.row.code, message: text, details };
}

/** Decodes what `encodeStatusDetails` made; undefined when the bytes are damaged or not of Bellwether. */
export function decodeStatusDetails(bytes: Uint8Array): StatusDetails | undefined {
  try {
    return detailsOf(Status.decode(bytes));
  } catch {
    return undefined; // Bytes from outside: the caller falls back to the gRPC code.
  }
}

/** What `statusOf` put into a status; undefined when it is damaged or not of Bellwether. */
export function detailsOf(status: Status): StatusDetails | undefined {
  try {
    const info = find(status, TYPE_URL.errorInfo, ErrorInfo);
    if (info?.domain !== ERROR_DOMAIN) return undefined;
    const { [OUTCOME_KEY]: _outcome, ...metadata } = info.metadata;
    return {
      reason: info.reason,
      message: status.message,
      metadata,
      leaderHint: find(status, TYPE_URL.leaderHint, LeaderHint),
    };
  } catch {
    return undefined; // Bytes from outside: the caller falls back to the gRPC code.
  }
}

function errorInfo(error: BellwetherError): ErrorInfo {
  const entries = Object.entries(error.metadata)
    .slice(0, METADATA_ENTRIES_MAX)
    .map(([key, value]) => [key, value.slice(0, METADATA_VALUE_CHARS_MAX)] as const);
  const metadata = { ...Object.fromEntries(entries), [OUTCOME_KEY]: error.outcome };
  return { reason: error.reason, domain: ERROR_DOMAIN, metadata };
}

/** Undefined unless the same request can succeed on its own after a pause. */
function retryDelayNanos(error: BellwetherError): number | undefined {
  if (!error.retryable) return undefined;
  if (error.row.code === GRPC_CODE.RESOURCE_EXHAUSTED) return RETRY_DELAY_NANOS.limit;
  return error.row.code === GRPC_CODE.UNAVAILABLE ? RETRY_DELAY_NANOS.other : undefined;
}

function any(typeUrl: string, value: Uint8Array): Any {
  return { typeUrl, value };
}

function find<T>(status: Status, typeUrl: string, codec: { decode(bytes: Uint8Array): T }): T | undefined {
  const detail = status.details.find((candidate) => candidate.typeUrl === typeUrl);
  return detail === undefined ? undefined : codec.decode(detail.value);
}
