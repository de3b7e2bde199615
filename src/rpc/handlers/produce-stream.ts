/** LogService.ProduceStream: reads as fast as the writes are answered, and answers all that it has read. */

import { type ProduceStreamRequest, ProduceStreamResponse } from '../../../gen/bellwether/v1/log_service.js';
import type { Broker } from '../../broker/broker.js';
import { LIMITS } from '../../broker/limits.js';
import { ProduceLanes, type ProduceOutcome } from '../../broker/produce-lanes.js';
import { BellwetherError } from '../../errors.js';
import { toStatus } from '../../wire/status.js';
import type { OnDefect } from '../adapt.js';
import { toClientError } from '../adapt.js';
import type { BidiStream } from '../adapt-bidi.js';
import { acksField, intFieldOr, partitionField, topicField } from '../fields.js';

export type ProduceCall = BidiStream<ProduceStreamRequest, ProduceStreamResponse>;

export function serveProduceStream(broker: Broker, call: ProduceCall, onDefect: OnDefect): void {
  broker.checkServing();
  const stream = new ProduceStream(broker, call, onDefect);
  const leave = broker.streams.produce.add(stream);
  stream.start(leave);
}

class ProduceStream {
  readonly #broker: Broker;
  readonly #call: ProduceCall;
  readonly #onDefect: OnDefect;
  readonly #lanes: ProduceLanes;
  /** Counts the stream out of those of the broker. */
  #leave: () => void = () => undefined;
  #isPaused = false;
  #isHalfClosed = false;
  /** The broker stops, and this is what the client is told in the end. */
  #stopping: BellwetherError | undefined;
  /** No message came since the stopping broker looked last. */
  #isQuiet = false;

  constructor(broker: Broker, call: ProduceCall, onDefect: OnDefect) {
    this.#broker = broker;
    this.#call = call;
    this.#onDefect = onDefect;
    this.#lanes = new ProduceLanes(broker, (id, outcome) => {
      this.#answer(id, outcome);
    });
  }

  start(leave: () => void): void {
    const call = this.#call;
    this.#leave = leave;
    call.onClosed((error) => {
      this.#isHalfClosed = error === undefined;
      if (this.#isHalfClosed) this.#endWhenAnswered();
      else leave();
    });
    call.onSent(() => {
      this.#pace();
    });
    call.onMessage((message) => {
      this.#take(message);
      this.#pace();
    });
  }

  stop(error: BellwetherError): void {
    this.#stopping = error;
    this.#endWhenQuiet(error);
  }

  fail(error: BellwetherError): void {
    this.#call.close(error);
  }

  #take(message: ProduceStreamRequest): void {
    this.#isQuiet = false;
    const { requestId: id, topic, partition, recordBatch: batch } = message;
    const request = { topic, partition, acks: 'all', batch } as const;
    try {
      topicField(topic);
      partitionField(partition);
      const acks = acksField(message.acks);
      const { defaultTimeoutMs, timeoutMsMax } = LIMITS;
      const timeoutMs = intFieldOr('timeout_ms', message.timeoutMs, defaultTimeoutMs, 1, timeoutMsMax);
      this.#lanes.take({ id, request: { ...request, acks }, timeoutMs }, this.#refusal(topic, partition));
    } catch (error) {
      const refusal = toClientError(error, this.#onDefect);
      this.#lanes.take({ id, request, timeoutMs: 1 }, refusal);
    }
  }

  /** A stopping broker sends away whoever it could still serve; the others hear who leads. */
  #refusal(topic: string, partition: number): BellwetherError | undefined {
    if (this.#stopping === undefined) return undefined;
    const { group } = this.#broker.assignment(topic, partition);
    return this.#broker.replica(group)?.leads === true ? this.#stopping : undefined;
  }

  #answer(id: number, outcome: ProduceOutcome): void {
    const response = responseOf(id, outcome);
    const sizeBytes =
      response.error === undefined ? ANSWER_BYTES : ProduceStreamResponse.encode(response).finish().length;
    this.#call.send(response, sizeBytes);
    this.#pace();
    if (this.#isHalfClosed) this.#endWhenAnswered();
  }

  /** Reads on only while few writes wait for their answers, and few answers for the client. */
  #pace(): void {
    const isFull = this.#lanes.isFull || this.#call.bufferedBytes() >= LIMITS.produceStreamBufferBytes;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#call.pause();
    else this.#call.resume();
  }

  #endWhenAnswered(): void {
    if (this.#lanes.unanswered > 0) return;
    this.#leave();
    this.#call.close();
  }

  /** What the client has sent before it hears of the end is answered, so that it knows what became of it. */
  #endWhenQuiet(error: BellwetherError): void {
    this.#isQuiet = true;
    this.#broker.clock.schedule(LIMITS.streamQuietMs, () => {
      if (this.#isQuiet && this.#lanes.unanswered === 0) this.#call.close(error);
      else this.#endWhenQuiet(error);
    });
  }
}

/** Bytes of an answer without an error, at most. */
const ANSWER_BYTES = 64;

function responseOf(requestId: number, outcome: ProduceOutcome): ProduceStreamResponse {
  if (outcome instanceof BellwetherError) {
    const error = toStatus(outcome);
    return { requestId, baseOffset: -1, term: 0, recordCount: 0, error, duplicate: false };
  }
  const { baseOffset = -1, term, recordCount, isDuplicate: duplicate } = outcome;
  return { requestId, baseOffset, term, recordCount, error: undefined, duplicate };
}
