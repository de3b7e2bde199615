/** Turns a handler of a bidirectional stream into a grpc-js handler, with a bounded send buffer. */
import type { handleBidiStreamingCall, Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import { toServiceError } from '../wire/status.js';
import { type OnDefect, toClientError } from './adapt.js';

/**
 * The server's end of a bidirectional stream.
 *
 * The client ends it by a half-close, after which replies may still be sent until `close()`; either
 * end may break it off with an error.
 */
export interface BidiStream<Req, Res> {
  /** Address of the client, for logs. */
  readonly peer: string;
  readonly metadata: Metadata;
  /**
   * Sets the one listener for messages. Before it is set neither a message nor a half-close arrives:
   * flow control holds the client back.
   */
  onMessage(listener: (message: Req) => void): void;
  /**
   * Sets the one listener for the end of the stream; it is called exactly once, also when the stream
   * has ended already. Undefined: the client half-closed, or this side closed without an error.
   * CONNECTION_LOST: the client cancelled or is gone, and nothing can be sent any more.
   */
  onClosed(listener: (error: BellwetherError | undefined) => void): void;
  /**
   * Queues a message of `sizeBytes` bytes. False: the stream is closed, perhaps by this very call,
   * because more than `sendBufferBytesMax` bytes would wait for a client that reads too slowly.
   */
  send(message: Res, sizeBytes: number): boolean;
  /** Bytes that wait to be handed to the connection. */
  bufferedBytes(): number;
  /** Sets the one listener for messages that were handed to the connection: there is room again. */
  onSent(listener: () => void): void;
  /** Stops the delivery of messages until `resume()`: back-pressure on the client. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what is queued, with OK or the error. Does nothing the second time. */
  close(error?: BellwetherError): void;
}

/** Bounds and reports of an adapted stream. */
export interface BidiOptions {
  readonly onDefect: OnDefect;
  /** Largest number of bytes that may wait in the send queue of one stream. */
  readonly sendBufferBytesMax: number;
}

/**
 * Adapts one method with streams in both directions.
 *
 * What the handler or its listeners throw closes the stream: a `BellwetherError` as it is, anything
 * else as INTERNAL after `onDefect`.
 */
export function adaptBidi<Req, Res>(
  handler: (stream: BidiStream<Req, Res>) => void | Promise<void>,
  options: BidiOptions,
): handleBidiStreamingCall<Req, Res> {
  return (call) => {
    const stream = new ServerStream(call, options);
    const start = async (): Promise<void> => handler(stream);
    start().catch((error: unknown) => {
      stream.close(toClientError(error, options.onDefect));
    });
  };
}

class ServerStream<Req, Res> implements BidiStream<Req, Res> {
  readonly peer: string;
  readonly metadata: Metadata;
  readonly #call: ServerDuplexStream<Req, Res>;
  readonly #options: BidiOptions;
  /** Nothing can be sent: this side closed, or the call is cancelled. */
  #closed = false;
  #bufferedBytes = 0;
  /** How the stream ended, once it has. */
  #ending: { readonly error: BellwetherError | undefined } | undefined;
  #messageListener: ((message: Req) => void) | undefined;
  #sentListener: () => void = () => undefined;
  #closedListener: ((error: BellwetherError | undefined) => void) | undefined;

  constructor(call: ServerDuplexStream<Req, Res>, options: BidiOptions) {
    this.#call = call;
    this.#options = options;
    this.peer = call.getPeer();
    this.metadata = call.metadata;
    call.on('end', () => {
      this.#end(undefined);
    });
    // After a cancel grpc-js calls no write callback and emits no 'drain' (grpc-node #2385): this
    // event is the only sign. It also follows a regular end, when #end does nothing any more.
    call.on('cancelled', () => {
      this.#lose('the client cancelled the stream, or its connection broke');
    });
    // An 'error' event without a listener would end the process; close() emits one on purpose.
    call.on('error', (error: Error) => {
      if (!this.#closed) this.#lose(error.message);
    });
  }

  onMessage(listener: (message: Req) => void): void {
    invariant(this.#messageListener === undefined, 'a stream has one message listener');
    this.#messageListener = listener;
    this.#call.on('data', (message: Req) => {
      if (this.#closed) return;
      this.#guard(() => {
        listener(message);
      });
    });
  }

  onClosed(listener: (error: BellwetherError | undefined) => void): void {
    invariant(this.#closedListener === undefined, 'a stream has one closed listener');
    this.#closedListener = listener;
    this.#notifyClosed();
  }

  send(message: Res, sizeBytes: number): boolean {
    if (this.#closed) return false;
    if (this.#bufferedBytes + sizeBytes > this.#options.sendBufferBytesMax) {
      this.close(sendBufferExceeded(this.#bufferedBytes, sizeBytes, this.#options.sendBufferBytesMax));
      return false;
    }
    this.#bufferedBytes += sizeBytes;
    this.#call.write(message, () => {
      this.#bufferedBytes -= sizeBytes;
      if (!this.#closed) this.#guard(this.#sentListener);
    });
    return true;
  }

  onSent(listener: () => void): void {
    this.#sentListener = listener;
  }

  bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  close(error?: BellwetherError): void {
    if (this.#closed) return;
    this.#closed = true;
    // grpc-js turns an 'error' event on its side of a call into the status; a plain end is OK.
    if (error === undefined) this.#call.end();
    else this.#call.emit('error', Object.assign(new Error(error.message), toServiceError(error)));
    // What still arrives is read and dropped, or the client's flow-control window would stay shut.
    this.#call.resume();
    this.#end(error);
  }

  /** The other end is gone. */
  #lose(text: string): void {
    this.#closed = true;
    this.#end(new BellwetherError('CONNECTION_LOST', text));
  }

  #end(error: BellwetherError | undefined): void {
    if (this.#ending !== undefined) return;
    this.#ending = { error };
    this.#notifyClosed();
  }

  #notifyClosed(): void {
    const [ending, listener] = [this.#ending, this.#closedListener];
    if (ending === undefined || listener === undefined) return;
    this.#guard(() => {
      listener(ending.error);
    });
  }

  #guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.close(toClientError(error, this.#options.onDefect));
    }
  }
}

function sendBufferExceeded(bufferedBytes: number, sizeBytes: number, maxBytes: number): BellwetherError {
  return new BellwetherError(
    'CONNECTION_LOST',
    `the client reads too slowly: ${String(bufferedBytes)} bytes wait and ${String(sizeBytes)} more exceed ${String(maxBytes)}`,
    {
      metadata: {
        buffered_bytes: String(bufferedBytes),
        size_bytes: String(sizeBytes),
        max_bytes: String(maxBytes),
      },
    },
  );
}
