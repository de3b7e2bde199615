/**
 * What one consumer fetches ahead of one partition: a Consume stream, and after it breaks the next one, exactly
 * from the next offset on.
 */
import {
  FetchFormat,
  LogServiceService,
  OffsetPosition as WirePosition,
} from '../../gen/bellwether/v1/log_service.js';
import type { ConsumeRequest, ConsumeResponse } from '../../gen/bellwether/v1/log_service.js';
import type { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import { consumedBatch } from './consumed-batch.js';
import type { Lifetime } from './lifetime.js';
import { maySendAgain, pauseMs } from './retry-policy.js';
import type { ServerStream } from './server-stream.js';
import type { Session } from './session.js';
import type { ConsumedBatch, StartPosition } from './types-consumer.js';
import type { PartitionRef } from './types-base.js';

/** What the feeds of one consumer share. */
export interface FeedContext {
  readonly session: Session;
  readonly lifetime: Lifetime;
  /** Bytes of batches that one feed holds at most, a message aside. */
  readonly bytesMax: number;
  readonly maxBytes: number;
  readonly untilEnd: boolean;
  readonly timeoutMs: number;
  /** Something has come, ended or failed. */
  onChange(): void;
}

interface Fetched {
  readonly batch: ConsumedBatch;
  readonly bytes: number;
}

/** Begins with `run`; ends with its context's lifetime, or by `close`. */
export class PartitionFeed {
  readonly ref: PartitionRef;
  /** Why no more will come: set once, when what came before is handed out. */
  error: BellwetherError | undefined;
  isAtEnd = false;
  highWatermark: number | undefined;
  /** The first offset that it fetches; undefined until a broker has said so. */
  beginsAt: number | undefined;
  readonly #context: FeedContext;
  readonly #lifetime: Lifetime;
  #start: Exclude<StartPosition, 'committed'>;
  #endOffset: number | undefined;
  #fetched: Fetched[] = [];
  #bytes = 0;
  #onRoom: (() => void) | undefined;
  #stream: { readonly call: ServerStream<ConsumeResponse>; readonly term: number } | undefined;
  #heardMs = 0;
  #probeMs = 0;

  constructor(context: FeedContext, ref: PartitionRef, start: Exclude<StartPosition, 'committed'>) {
    this.#context = context;
    this.#lifetime = context.lifetime.within(undefined);
    this.ref = ref;
    this.#start = start;
  }

  get hasBatch(): boolean {
    return this.#fetched.length > 0;
  }

  /** The next batch, in offset order. */
  take(): ConsumedBatch | undefined {
    const fetched = this.#fetched.shift();
    if (fetched === undefined) return undefined;
    this.#bytes -= fetched.bytes;
    if (this.#bytes < this.#context.bytesMax) this.#onRoom?.();
    return fetched.batch;
  }

  close(): void {
    this.#fetched = [];
    this.#lifetime.close();
    this.#onRoom?.();
  }

  /** Fetches until the end. Never rejects: see `error`. */
  async run(): Promise<void> {
    try {
      await this.#streams();
    } catch (error) {
      if (!this.#lifetime.closed) this.error = fromServiceError(error);
    }
    this.#context.onChange();
  }

  /** Asks others who leads, when the one that does has been silent for long; and goes to whom they name. */
  async look(nowMs: number, silentMsMax: number, pauseMsMax: number): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || nowMs - this.#heardMs < silentMsMax || nowMs < this.#probeMs) return;
    this.#probeMs = nowMs + Math.min(pauseMsMax, Math.max(silentMsMax, (nowMs - this.#heardMs) / 2));
    const { address } = stream.call;
    const news = await this.#context.session.probe.ask(this.ref, address);
    if (news === undefined || news.leader.term <= stream.term || news.leader.address === address) return;
    if (this.#stream === stream) stream.call.close();
  }

  async #streams(): Promise<void> {
    const { session, timeoutMs } = this.#context;
    const route = session.leaderOf(this.ref);
    /** Streams in a row that broke before they brought anything. */
    let barren = 0;
    while (!this.#lifetime.closed && !this.isAtEnd) {
      const { stream: call, first } = await session.openStream(this.#lifetime, {
        method: LogServiceService.consume,
        request: () => this.#request(),
        route,
        options: { timeoutMs },
      });
      barren += 1;
      this.#stream = { call, term: route.asked?.term ?? 0 };
      try {
        this.#begin(first);
        while (!this.isAtEnd) {
          await this.#room();
          if (this.#lifetime.closed) return;
          if (this.#receive(await call.next())) barren = 0;
        }
      } catch (error) {
        const failure = fromServiceError(error);
        route.failed(call.address, failure);
        if (!maySendAgain(failure, 'read')) throw failure;
      } finally {
        this.#stream = undefined;
        call.close();
      }
      // The first time at once: another broker leads by now, or will in a moment.
      if (barren > 1) await this.#lifetime.sleep(pauseMs(barren - 2, Math.random()));
    }
  }

  /** Offset behind what was fetched. */
  get #next(): number {
    return typeof this.#start === 'number' ? this.#start : 0;
  }

  #request(): ConsumeRequest {
    const { untilEnd, maxBytes } = this.#context;
    return {
      ...this.ref,
      start: toWireStart(this.#start),
      endOffset: this.#endOffset,
      untilEnd: untilEnd && this.#endOffset === undefined,
      maxBytes,
      format: FetchFormat.RECORD_BATCHES,
      allowFollower: false,
    };
  }

  /** The first message says where the stream begins, whatever was asked for. */
  #begin(first: ConsumeResponse): void {
    if (this.#context.untilEnd) this.#endOffset ??= first.highWatermark;
    this.beginsAt ??= first.nextOffset;
    this.#receive(first);
  }

  /** True when there was anything in it. */
  #receive(response: ConsumeResponse): boolean {
    this.#heardMs = performance.now();
    this.highWatermark = response.highWatermark;
    for (const bytes of response.recordBatches) {
      const batch = consumedBatch(this.ref, bytes, this.#next, response);
      if (batch === undefined) continue;
      this.#fetched.push({ batch, bytes: bytes.length });
      this.#bytes += bytes.length;
      this.#start = batch.nextOffset;
    }
    this.#start = response.nextOffset;
    this.isAtEnd = this.#endOffset !== undefined && response.nextOffset >= this.#endOffset;
    this.#context.onChange();
    return response.recordBatches.length > 0;
  }

  /** Resolves once more may be held. */
  async #room(): Promise<void> {
    if (this.#bytes < this.#context.bytesMax) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
    this.#onRoom = undefined;
    this.#heardMs = performance.now(); // Nobody listened meanwhile.
  }
}

function toWireStart(start: Exclude<StartPosition, 'committed'>): ConsumeRequest['start'] {
  if (typeof start === 'number') return { $case: 'offset', value: start };
  if (start === 'earliest') return { $case: 'position', value: WirePosition.EARLIEST };
  if (start === 'latest') return { $case: 'position', value: WirePosition.LATEST };
  return { $case: 'timestampMs', value: start.timestampMs };
}
