/** Owns the way of a message through the bridge: read, put in order, served, answered; and the end. */
import type { Readable, Writable } from 'node:stream';
import { BellwetherError } from '../errors.js';
import { CallBudget } from './call-budget.js';
import { describeRequest, parseEnvelope, type Request } from './envelope.js';
import { LINE_SIZE_MAX_BYTES, readFrames, type Frame } from './framing.js';
import { HANDLERS } from './handlers/handlers.js';
import { oneLine } from './log-line.js';
import { BridgeError, errorReply, MAELSTROM_CODE, messageOf } from './maelstrom-errors.js';
import { MessageQueue } from './message-queue.js';
import { ReplyWriter, type Reply } from './replies.js';
import { Session, type OpenCluster } from './session.js';
import { settlesWithin } from './settles-within.js';

/** Messages in flight beyond which the input is not read. */
export const IN_FLIGHT_MAX = 64;

/** How long messages in flight may take after the end of input. */
export const DRAIN_MS = 5000;

/** How long closing the cluster may take. */
export const CLOSE_MS = 5000;

/** What is said of a line that was not kept. */
const TOO_LONG = `the line has more than ${LINE_SIZE_MAX_BYTES} bytes, and was dropped`;

export interface BridgeOptions {
  /** JSON lines, UTF-8. */
  readonly input: Readable;
  /** JSON lines, nothing else. The bridge does not end it. */
  readonly output: Writable;
  /** Takes one line of text for people, without an end of line. */
  readonly log: (line: string) => void;
  readonly openCluster: OpenCluster;
  /** Default IN_FLIGHT_MAX. */
  readonly inFlightMax?: number;
  /** Default DRAIN_MS. */
  readonly drainMs?: number;
}

/**
 * Serves messages until the input ends, answers what is in flight, closes the cluster, and resolves
 * with the exit code, 0. Bad input is answered or logged; it never rejects.
 */
export async function runBridge(options: BridgeOptions): Promise<number> {
  await new Bridge(options).run();
  return 0;
}

class Bridge {
  readonly #input: Readable;
  readonly #log: (line: string) => void;
  readonly #drainMs: number;
  readonly #session: Session;
  readonly #queue: MessageQueue;
  readonly #writer: ReplyWriter;

  constructor(options: BridgeOptions) {
    this.#input = options.input;
    this.#log = (line) => {
      options.log(oneLine(line));
    };
    this.#drainMs = options.drainMs ?? DRAIN_MS;
    this.#session = new Session(options.openCluster);
    this.#queue = new MessageQueue(options.inFlightMax ?? IN_FLIGHT_MAX);
    this.#writer = new ReplyWriter(options.output, (cause) => {
      this.#log(`output: ${cause}; nobody is left to answer`);
      this.#input.destroy();
    });
  }

  async run(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#input)) await this.#take(frame);
    } catch (error) {
      this.#log(`input: ${messageOf(error)}`);
    }
    await this.#drain();
    await this.#close();
  }

  /** Resolves as soon as the next line may be read. */
  async #take(frame: Frame): Promise<void> {
    if (frame.kind === 'unusable') {
      this.#log(frame.why);
      return;
    }
    const isTooLong = frame.kind === 'too_long';
    const envelope = parseEnvelope(isTooLong ? frame.envelope : frame.text);
    if (envelope.kind === 'unanswerable') {
      this.#log(`${isTooLong ? TOO_LONG : envelope.why}; nobody to answer, ignored`);
      return;
    }
    const { request } = envelope;
    if (request.isReply && !isServed(request.type)) {
      this.#log(`${describeRequest(request)} answers nothing that was asked, ignored`);
      return;
    }
    await this.#queue.hasRoom();
    const serve = () => this.#serve(request, isTooLong);
    const label = describeRequest(request);
    if (request.type === 'init' && !isTooLong) void this.#queue.addBarrier(request.src, label, serve);
    else void this.#queue.add(request.src, label, serve);
  }

  /** Answers one request. Never rejects. */
  async #serve(request: Request, isTooLong: boolean): Promise<void> {
    const answer = isTooLong ? Promise.reject(malformed(TOO_LONG)) : this.#answer(request);
    const reply = await answer.catch((error: unknown) => {
      if (!isExpected(error)) this.#log(`${describeRequest(request)} failed: ${messageOf(error)}`);
      return errorReply(error);
    });
    const src = this.#session.nodeId ?? request.dest ?? '';
    await this.#writer.write({ src, dest: request.src, inReplyTo: request.msgId }, reply);
  }

  async #answer(request: Request): Promise<Reply> {
    if (request.dest === undefined) throw malformed('dest: must be a string');
    if (request.type === undefined) throw malformed('body.type: must be a string');
    if (request.type === 'init') return this.#session.init(request);
    const serve = HANDLERS.get(request.type);
    if (serve === undefined) {
      const text = `body.type: ${JSON.stringify(request.type.slice(0, 64))} is not served`;
      throw new BridgeError(MAELSTROM_CODE.NOT_SUPPORTED, text);
    }
    return serve(request, { ...this.#session.tools(), budget: new CallBudget() });
  }

  async #drain(): Promise<void> {
    const isDone = this.#queue.isIdle().then(() => this.#writer.flush());
    if (!(await settlesWithin(isDone, this.#drainMs))) {
      for (const label of this.#queue.labels) {
        this.#log(`${label} was not answered within ${this.#drainMs} ms of the end of input`);
      }
    }
    this.#writer.close();
  }

  async #close(): Promise<void> {
    const isDone = this.#session.close().catch((error: unknown) => {
      this.#log(`closing the cluster failed: ${messageOf(error)}`);
    });
    if (!(await settlesWithin(isDone, CLOSE_MS))) {
      this.#log(`closing the cluster took longer than ${CLOSE_MS} ms`);
    }
  }
}

function isServed(type: string | undefined): boolean {
  return type !== undefined && (type === 'init' || HANDLERS.has(type));
}

function isExpected(error: unknown): boolean {
  return error instanceof BridgeError || error instanceof BellwetherError;
}

function malformed(text: string): BridgeError {
  return new BridgeError(MAELSTROM_CODE.MALFORMED_REQUEST, text);
}
