/** Turns a handler of a server stream into a grpc-js handler that knows how much waits to be sent. */

import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import type { BellwetherError } from '../errors.js';
import { toServiceError } from '../wire/status.js';
import { type OnDefect, toClientError } from './adapt.js';

/** The server's end of a stream of answers. It ends when the handler closes it or the client goes away. */
export interface AnswerStream<Res> {
  /** True once it is over, however that came about. */
  readonly isClosed: boolean;
  /** Bytes that wait to be handed to the connection: the handler must keep them within bounds. */
  readonly bufferedBytes: number;
  /** Queues a message of `sizeBytes` bytes; does nothing once the stream is over. */
  send(message: Res, sizeBytes: number): void;
  /** Ends the stream with the error, or with OK, after what is queued. Does nothing the second time. */
  close(error?: BellwetherError): void;
  /** Sets the listener for messages that were handed to the connection: there is room again. */
  onSent(listener: () => void): void;
  /** Sets the listener for the end of the stream, however it came about; called once. */
  onClosed(listener: () => void): void;
}

/**
 * Adapts one method with a stream of answers.
 *
 * What the handler or its listeners throw closes the stream: a `BellwetherError` as it is, anything else as
 * INTERNAL after `onDefect`.
 */
export function adaptServerStream<Req, Res>(
  handler: (request: Req, stream: AnswerStream<Res>) => void,
  options: { readonly onDefect: OnDefect },
): handleServerStreamingCall<Req, Res> {
  return (call) => {
    const stream = new GrpcAnswerStream(call, options.onDefect);
    stream.guard(() => {
      handler(call.request, stream);
    });
  };
}

class GrpcAnswerStream<Req, Res> implements AnswerStream<Res> {
  readonly #call: ServerWritableStream<Req, Res>;
  readonly #onDefect: OnDefect;
  #bufferedBytes = 0;
  #closed = false;
  #sentListener: () => void = () => undefined;
  #closedListener: () => void = () => undefined;

  constructor(call: ServerWritableStream<Req, Res>, onDefect: OnDefect) {
    this.#call = call;
    this.#onDefect = onDefect;
    // After a cancel grpc-js calls no write callback (grpc-node #2385): this event is the only sign.
    call.on('cancelled', () => {
      this.#end();
    });
    // An 'error' event without a listener would end the process; close() emits one on purpose.
    call.on('error', () => {
      this.#end();
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  send(message: Res, sizeBytes: number): void {
    if (this.#closed) return;
    this.#bufferedBytes += sizeBytes;
    this.#call.write(message, () => {
      this.#bufferedBytes -= sizeBytes;
      if (!this.#closed) this.guard(this.#sentListener);
    });
  }

  close(error?: BellwetherError): void {
    if (this.#closed) return;
    this.#end();
    if (error === undefined) {
      this.#call.end();
      return;
    }
    // grpc-js turns an 'error' event on its side of a call into the status.
    this.#call.emit('error', Object.assign(new Error(error.message), toServiceError(error)));
  }

  onSent(listener: () => void): void {
    this.#sentListener = listener;
  }

  onClosed(listener: () => void): void {
    this.#closedListener = listener;
  }

  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.close(toClientError(error, this.#onDefect));
    }
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedListener();
  }
}
