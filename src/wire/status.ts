/**
 * Errors on the wire: BellwetherError -> gRPC status on the broker, and back in the client. What has
 * no details of ours is judged by status-classification.ts.
 */
import { Metadata } from '@grpc/grpc-js';
import type { Status } from '../../gen/google/rpc/status.js';
import { BellwetherError, isReason } from '../errors.js';
import type { Outcome } from '../error-row.js';
import { classifyStatus } from './status-classification.js';
import {
  decodeStatusDetails,
  detailsOf,
  encodeStatusDetails,
  type StatusDetails,
  statusOf,
} from './status-details.js';

/** What a grpc-js server sends as the status of a call. */
export interface WireError {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What a grpc-js client reports as the status of a failed call. */
interface ReceivedError {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

const DETAILS_KEY = 'grpc-status-details-bin';

/** Characters of an error's own message sent at most: headers are bounded. */
const MESSAGE_CHARS_MAX = 1024;

const OUTCOME_TEXT: Readonly<Record<Outcome, string>> = {
  NOT_APPLIED: 'Not applied.',
  UNKNOWN: 'It is unknown whether it was applied.',
  APPLIED: 'Applied.',
};

/**
 * The status that tells a client all about `error`: rich details for programs, and for people with
 * grpcurl a text that ends with the outcome and the next step, and plain trailers.
 */
export function toServiceError(error: BellwetherError): WireError {
  const details = textOf(error);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(encodeStatusDetails(error, details)));
  metadata.set('bellwether-reason', error.reason);
  metadata.set('bellwether-outcome', error.outcome);
  const hint = error.leaderHint;
  if (hint !== undefined) {
    metadata.set('bellwether-leader', headerText(hint.leader));
    metadata.set('bellwether-leader-address', headerText(hint.address));
    metadata.set('bellwether-leader-term', String(hint.term));
  }
  return { code: error.row.code, details, metadata };
}

/** The status that tells a client all about `error` inside of a message: of one request of a stream. */
export function toStatus(error: BellwetherError): Status {
  return statusOf(error, textOf(error));
}

/** What went wrong with one request of a stream, from what `toStatus` made. Never throws. */
export function fromStatus(status: Status): BellwetherError {
  const details = detailsOf(status);
  if (details !== undefined) return asSent(details, status);
  return new BellwetherError('INTERNAL', status.message, { metadata: { grpc_code: String(status.code) } });
}

/**
 * What went wrong with a call, from whatever grpc-js threw or passed to a callback. Never throws.
 *
 * An error that no broker explained is NOT_APPLIED only when grpc-js itself says that the request
 * never left this process.
 */
export function fromServiceError(error: unknown): BellwetherError {
  if (error instanceof BellwetherError) return error;
  if (!isReceivedError(error)) {
    return new BellwetherError('INTERNAL', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
  return explained(error) ?? classifyStatus(error);
}

/** The error as the broker described it; undefined when the status has no details of ours. */
function explained(error: ReceivedError): BellwetherError | undefined {
  const [bytes] = error.metadata.get(DETAILS_KEY);
  const details = typeof bytes === 'object' ? decodeStatusDetails(bytes) : undefined;
  return details && asSent(details, error);
}

/** The error that the details tell of. */
function asSent({ reason, message, metadata, leaderHint }: StatusDetails, cause: unknown): BellwetherError {
  if (isReason(reason)) {
    const plain = new BellwetherError(reason, message, { metadata, leaderHint, cause });
    const end = advice(plain);
    if (!message.endsWith(end)) return plain;
    return new BellwetherError(reason, message.slice(0, -end.length), { metadata, leaderHint, cause });
  }
  // A newer broker's reason: nothing may be assumed about the outcome, and INTERNAL assumes nothing.
  return new BellwetherError('INTERNAL', `${reason}: ${message}`, {
    metadata: { ...metadata, reason },
    leaderHint,
    cause,
  });
}

/** What a person reads: what happened, whether it was applied, and what to do next. */
function textOf(error: BellwetherError): string {
  return sendable(error.message).replace(/[.\s]+$/, '') + advice(error);
}

/** How the text of every error ends. The client takes it off again. */
function advice(error: BellwetherError): string {
  return `. ${OUTCOME_TEXT[error.outcome]} ${error.row.action}`;
}

/** Bounded, and without lone surrogates, on which grpc-js's encodeURI throws. */
function sendable(text: string): string {
  return text.slice(0, MESSAGE_CHARS_MAX).replace(/\p{Surrogate}/gu, '\ufffd');
}

/** What a plain metadata value may hold: printable ASCII. */
function headerText(text: string): string {
  return text.slice(0, MESSAGE_CHARS_MAX).replace(/[^ -~]/g, '?');
}

function isReceivedError(error: unknown): error is ReceivedError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'number' &&
    'details' in error &&
    typeof error.details === 'string' &&
    'metadata' in error &&
    error.metadata instanceof Metadata
  );
}
