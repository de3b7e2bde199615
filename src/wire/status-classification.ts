/**
 * Judges gRPC statuses that no broker of ours explained: those that grpc-js makes itself when a dial,
 * a connection or a deadline fails, and those of strangers in between.
 */
import type { Metadata } from '@grpc/grpc-js';
import { GRPC_CODE } from '../error-row.js';
import { BellwetherError } from '../errors.js';
import type { Reason } from '../errors.js';

/** A status as grpc-js 1.14 reports it to a caller. */
export interface PlainStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * Beginnings of the details with which grpc-js 1.14 ends a call that it never sent: no subchannel was
 * ready (load-balancer-pick-first.ts), no address was found (resolver-dns.ts), the channel was closed
 * (internal-channel.ts).
 */
const NEVER_SENT = [
  'No connection established',
  'Name resolution failed',
  'Channel closed before call started',
] as const;

/**
 * How grpc-js ends a call whose stream was refused (subchannel-call.ts): the broker takes no more requests on
 * that connection, because it stops or has too many. HTTP/2 promises that it has not looked at the request
 * (RFC 9113, sections 6.8 and 8.7).
 */
const REFUSED = 'Stream refused by server';

/** How grpc-js's client says that the request could not be encoded (client.ts): it was never sent. */
const NOT_SERIALIZED = 'Request message serialization failure';

/** How grpc-js says that a message is beyond the receive limit (stream-decoder.ts). */
const MESSAGE_TOO_LARGE = 'Received message larger than max';

/**
 * The error for a status without details. NOT_APPLIED only where the request certainly did not run;
 * whoever cannot be sure says UNKNOWN.
 */
export function classifyStatus(status: PlainStatus): BellwetherError {
  // A dial that fails ends with an empty note of grpc-js's resolver.
  const text = status.details.replace(/\. Resolution note: *$/, '');
  const message = text === '' ? `gRPC status ${status.code}` : explained(status.code, text);
  return new BellwetherError(reasonOf(status), message, {
    metadata: { grpc_code: String(status.code) },
    cause: status,
  });
}

/** The commonest slip: a server that is there, but is not the one for clients. */
function explained(code: number, text: string): string {
  if (code !== GRPC_CODE.UNIMPLEMENTED) return text;
  return `no Bellwether broker serves clients there (is it a --peer-listen address?): ${text}`;
}

function reasonOf(status: PlainStatus): Reason {
  switch (status.code) {
    case GRPC_CODE.UNAVAILABLE:
      return [...NEVER_SENT, REFUSED].some((text) => madeHere(status, text))
        ? 'CONNECTION_FAILED'
        : 'CONNECTION_LOST';
    case GRPC_CODE.CANCELLED:
      return 'CONNECTION_LOST';
    case GRPC_CODE.DEADLINE_EXCEEDED:
      return 'REQUEST_TIMEOUT';
    case GRPC_CODE.INVALID_ARGUMENT:
      return 'INVALID_REQUEST';
    case GRPC_CODE.UNIMPLEMENTED:
      return 'INVALID_REQUEST';
    case GRPC_CODE.RESOURCE_EXHAUSTED:
      return exhausted(status);
    case GRPC_CODE.INTERNAL:
      if (madeHere(status, NOT_SERIALIZED)) return 'INVALID_REQUEST';
      return /RST_STREAM|Connection dropped/.test(status.details) ? 'CONNECTION_LOST' : 'INTERNAL';
    default:
      return 'INTERNAL';
  }
}

/**
 * The same text comes from both ends. From the broker it is about the request, which was then never
 * looked at; made here it is about the answer, and the request has run.
 */
function exhausted(status: PlainStatus): Reason {
  if (!status.details.startsWith(MESSAGE_TOO_LARGE)) return 'CONNECTION_LOST';
  return madeHere(status, MESSAGE_TOO_LARGE) ? 'INTERNAL' : 'RECORD_BATCH_TOO_LARGE';
}

/** A status from the wire carries headers, at least its content type; one made here carries none. */
function madeHere(status: PlainStatus, beginning: string): boolean {
  return status.details.startsWith(beginning) && Object.keys(status.metadata.getMap()).length === 0;
}
