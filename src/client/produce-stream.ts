/** One ProduceStream of one broker: requests out, each with one answer, and what is unanswered. */
import { Metadata } from '@grpc/grpc-js';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import type { ProduceStreamResponse } from '../../gen/bellwether/v1/log_service.js';
import { BellwetherError } from '../errors.js';
import { decodeProduceStreamResponse } from '../wire/produce-stream-codec.js';
import { fromServiceError, fromStatus } from '../wire/status.js';
import type { Connection } from './broker-pool.js';
import { named } from './call.js';
import type { Lifetime } from './lifetime.js';
import { encodeStreamedBatch } from './produce-codec.js';
import type { StreamedBatch } from './produce-codec.js';

/** Bytes of batches without an answer that one stream carries at most; a broker reads no more. */
export const UNANSWERED_BYTES_MAX = 4 * 1024 * 1024;

/** With so many batches without an answer, a batch that could still grow waits for one of them. */
export const EAGER_BATCHES_MAX = 4;

/** Batches without an answer that one stream carries at most; a broker reads no more. */
export const UNANSWERED_BATCHES_MAX = 1000;

/** What became of a batch. */
export type Answer =
  | { readonly ok: true; readonly baseOffset: number; readonly term: number }
  | { readonly ok: false; readonly error: BellwetherError };

interface Unanswered {
  readonly sizeBytes: number;
  readonly settle: (answer: Answer) => void;
}

/** An open stream. `onRoom` is called when one that was full takes batches again. */
export class ProduceStream {
  readonly address: string;
  readonly #connection: Connection;
  readonly #call: ClientDuplexStream<StreamedBatch, ProduceStreamResponse>;
  readonly #onRoom: () => void;
  readonly #forget: () => void;
  readonly #unanswered = new Map<number, Unanswered>();
  #unansweredBytes = 0;
  #nextId = 1;
  #ended: BellwetherError | undefined;

  constructor(lifetime: Lifetime, connection: Connection, onRoom: () => void) {
    this.address = connection.address;
    this.#connection = connection;
    this.#onRoom = onRoom;
    const { path } = LogServiceService.produceStream;
    this.#call = connection.client.makeBidiStreamRequest(
      path,
      encodeStreamedBatch,
      decodeProduceStreamResponse,
      new Metadata(),
    );
    this.#forget = lifetime.onClose(() => this.#call.cancel());
    connection.callsInFlight += 1;
    this.#call.on('data', (response: ProduceStreamResponse) => this.#answered(response));
    this.#call.on('error', (error) => this.#end(fromServiceError(error)));
    this.#call.on('end', () => this.#end(new BellwetherError('CONNECTION_LOST', 'the stream was ended')));
  }

  /** False once the stream has ended, or is ending: another one is needed. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** True when a batch may be sent now; `canGrow` says that it is not full. */
  hasRoom(canGrow: boolean): boolean {
    const { size } = this.#unanswered;
    if (canGrow) return size < EAGER_BATCHES_MAX;
    return this.#unansweredBytes < UNANSWERED_BYTES_MAX && size < UNANSWERED_BATCHES_MAX;
  }

  /** Sends a batch. `settle` is called once, later, and not from within. The stream must be open. */
  send(batch: Omit<StreamedBatch, 'requestId'>, settle: (answer: Answer) => void): void {
    const requestId = this.#nextId;
    this.#nextId += 1;
    const sizeBytes = batch.recordBatch.length;
    this.#unanswered.set(requestId, { sizeBytes, settle });
    this.#unansweredBytes += sizeBytes;
    this.#call.write({ ...batch, requestId });
  }

  /** No more batches; those under way are still answered. */
  end(): void {
    if (this.isOpen) this.#call.end();
  }

  #answered({ requestId, baseOffset, term, error }: ProduceStreamResponse): void {
    const unanswered = this.#unanswered.get(requestId);
    if (unanswered === undefined) return;
    this.#unanswered.delete(requestId);
    this.#unansweredBytes -= unanswered.sizeBytes;
    unanswered.settle(
      error === undefined ? { ok: true, baseOffset, term } : { ok: false, error: fromStatus(error) },
    );
    this.#onRoom();
  }

  #end(cause: BellwetherError): void {
    if (this.#ended !== undefined) return;
    this.#forget();
    this.#connection.callsInFlight -= 1;
    this.#ended = unanswered(this.address, cause);
    const lost = [...this.#unanswered.values()];
    this.#unanswered.clear();
    this.#unansweredBytes = 0;
    for (const { settle } of lost) settle({ ok: false, error: this.#ended });
    this.#onRoom();
  }
}

/**
 * What became of a batch without an answer: that cannot be known, unless gRPC never sent it, or the broker refused
 * the stream, of which it then has read nothing.
 */
function unanswered(address: string, cause: BellwetherError): BellwetherError {
  if (cause.reason === 'TOO_MANY_STREAMS') return cause;
  if (cause.reason === 'CONNECTION_FAILED' || cause.outcome === 'UNKNOWN') return named(address, cause);
  const message = `the stream to ${address} ended without an answer: ${cause.message}`;
  return new BellwetherError('CONNECTION_LOST', message, {
    metadata: { ...cause.metadata, address },
    leaderHint: cause.leaderHint,
    cause,
  });
}
