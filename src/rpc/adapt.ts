/**
 * Turns async functions into grpc-js handlers: the only place that does.
 *
 * A bare async handler type-checks, but its rejection is lost and the client hangs until its deadline.
 */
import type { handleUnaryCall, Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { toServiceError } from '../wire/status.js';

/**
 * The methods of a generated `XServer` type without its index signature, which would let a misspelt
 * method through.
 */
export type ServiceHandlers<S> = { [K in keyof S as string extends K ? never : K]: S[K] };

/** Given every error that is not a `BellwetherError`: a defect, to be logged with its stack. */
export type OnDefect = (error: unknown) => void;

/** What a handler knows about its call besides the request. */
export interface CallContext {
  /** Milliseconds since the Unix epoch; Infinity when the client set no deadline. */
  readonly deadlineMs: number;
  /** Milliseconds until the deadline, never negative; Infinity without one. */
  remainingMs(): number;
  /** Aborted when the client cancels, the connection breaks or the deadline passes. */
  readonly signal: AbortSignal;
  /** Address of the client, for logs. */
  readonly peer: string;
  readonly metadata: Metadata;
}

/** The error that a client sees: its own for an operating error, INTERNAL without detail for a defect. */
export function toClientError(error: unknown, onDefect: OnDefect): BellwetherError {
  if (error instanceof BellwetherError) return error;
  onDefect(error);
  return new BellwetherError('INTERNAL', 'the broker met a defect; its log has the details');
}

/**
 * Adapts one unary method.
 *
 * The call is answered once, and not at all after a cancel or the deadline (grpc-js itself answers
 * DEADLINE_EXCEEDED then). A `BellwetherError` travels with its details; any other error is a defect.
 */
export function adaptUnary<Req, Res>(
  handler: (request: Req, context: CallContext) => Promise<Res>,
  options: { readonly onDefect: OnDefect },
): handleUnaryCall<Req, Res> {
  return (call, callback) => {
    const cancellation = new AbortController();
    let answered = false;
    // grpc-js emits 'cancelled' after every call, also after one that was answered.
    call.on('cancelled', () => {
      if (!answered) cancellation.abort();
    });

    const answer = (send: () => void): void => {
      if (cancellation.signal.aborted) return;
      answered = true;
      send();
    };
    const fail = (error: unknown): void => {
      if (isEchoOfAbort(error, cancellation.signal)) return;
      const clientError = toClientError(error, options.onDefect);
      answer(() => {
        callback(toServiceError(clientError));
      });
    };

    invoke(handler, call.request, contextOf(call, cancellation.signal)).then((response) => {
      answer(() => {
        callback(null, response);
      });
    }, fail);
  };
}

/** Calls the handler so that a synchronous throw is a rejection too. */
async function invoke<Req, Res>(
  handler: (request: Req, context: CallContext) => Promise<Res>,
  request: Req,
  context: CallContext,
): Promise<Res> {
  return handler(request, context);
}

function contextOf<Req, Res>(call: ServerUnaryCall<Req, Res>, signal: AbortSignal): CallContext {
  const deadlineMs = Number(call.getDeadline());
  return {
    deadlineMs,
    remainingMs: () => Math.max(0, deadlineMs - Date.now()),
    signal,
    peer: call.getPeer(),
    metadata: call.metadata,
  };
}

/** True for the error by which an aborted wait inside the handler ends: no defect. */
function isEchoOfAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}
