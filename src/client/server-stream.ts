/** One server stream of one broker: its messages one by one, read only as fast as they are taken. */
import { Metadata } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import { dialled } from './broker-pool.js';
import type { Connection } from './broker-pool.js';
import { named } from './call.js';
import type { UnaryMethod } from './call.js';
import type { Lifetime } from './lifetime.js';

/**
 * An open stream. Messages that are not taken wait at the broker: gRPC holds at most 16 of them here, and
 * what fits into the receive window of the stream (wire/channel-options.ts).
 */
export class ServerStream<Response> {
  readonly address: string;
  readonly #connection: Connection;
  readonly #call: ClientReadableStream<Response>;
  readonly #messages: AsyncIterator<Response>;
  readonly #forget: () => void;
  #closed = false;

  constructor(lifetime: Lifetime, connection: Connection, call: ClientReadableStream<Response>) {
    this.address = connection.address;
    this.#connection = connection;
    this.#call = call;
    // The iterator reports the error; a call that is cancelled later has one more, which nobody awaits.
    call.on('error', () => undefined);
    this.#messages = call[Symbol.asyncIterator]();
    this.#forget = lifetime.onClose(() => this.close());
    connection.callsInFlight += 1;
  }

  /**
   * The next message. Not to be called again before it has settled.
   *
   * @throws BellwetherError when the stream ended, CONNECTION_LOST also where the broker ended it in order.
   */
  async next(): Promise<Response> {
    try {
      const result = await this.#messages.next();
      if (result.done !== true) return result.value;
      throw new BellwetherError('CONNECTION_LOST', 'the stream was ended');
    } catch (error) {
      this.close();
      throw named(this.address, fromServiceError(error));
    }
  }

  /** Cancels the call. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.#connection.callsInFlight -= 1;
    this.#call.cancel();
  }
}

/**
 * Opens a stream on `connection` and waits for its first message, `timeoutMs` at most. The stream itself has
 * no deadline: it ends when it is closed, when `lifetime` ends, or when the connection breaks.
 *
 * @throws BellwetherError REQUEST_TIMEOUT when no message came in time, and as `ServerStream.next`.
 */
export async function openStream<Request, Response>(
  lifetime: Lifetime,
  connection: Connection,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
): Promise<{ readonly stream: ServerStream<Response>; readonly first: Response }> {
  const deadlineMs = Date.now() + timeoutMs;
  connection.callsInFlight += 1;
  try {
    await lifetime.whileOpen(dialled(connection, timeoutMs));
    lifetime.check();
  } finally {
    connection.callsInFlight -= 1;
  }
  const { client, address } = connection;
  const stream = new ServerStream(
    lifetime,
    connection,
    client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, new Metadata()),
  );
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      stream.close();
    },
    Math.max(1, deadlineMs - Date.now()),
  );
  try {
    return { stream, first: await stream.next() };
  } catch (error) {
    if (!late) throw error;
    throw named(address, new BellwetherError('REQUEST_TIMEOUT', `nothing came within ${timeoutMs} ms`));
  } finally {
    clearTimeout(timer);
  }
}
