/** A running bridge with its two streams, for tests: write lines, read replies. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { runBridge, type BridgeOptions } from '../../src/bridge/bridge.js';
import { FakeCluster } from './fake-cluster.js';

export const INIT_LINE =
  '{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}';

export const INIT_OK_LINE =
  '{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}';

/** Asks who leads orders/0, as c1 with msg_id 2. */
export const LEADER_LINE =
  '{"src":"c1","dest":"n1","body":{"type":"partition_leader","msg_id":2,"topic":"orders","partition":0}}';

export interface Reply {
  readonly src: string;
  readonly dest: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export class BridgeHarness {
  readonly input = new PassThrough();
  readonly output: PassThrough;
  readonly cluster = new FakeCluster();
  readonly logged: string[] = [];
  readonly opened: (readonly string[])[] = [];
  /** Resolves with the exit code. */
  readonly done: Promise<number>;
  #text = '';
  #arrived: (() => void)[] = [];
  #taken = 0;

  constructor(options: Partial<BridgeOptions> & { readonly outputHighWaterMark?: number } = {}) {
    const { outputHighWaterMark, ...bridgeOptions } = options;
    this.output = new PassThrough(
      outputHighWaterMark === undefined ? {} : { highWaterMark: outputHighWaterMark },
    );
    this.done = runBridge({
      input: this.input,
      output: this.output,
      log: (line) => {
        this.logged.push(line);
        this.#wake();
      },
      openCluster: (nodeIds) => {
        this.opened.push(nodeIds);
        return Promise.resolve(this.cluster);
      },
      ...bridgeOptions,
    });
  }

  /** Starts to read the output; until then it fills up. */
  read(): this {
    this.output.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
      this.#wake();
    });
    return this;
  }

  /** All complete lines so far. */
  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }

  write(...lines: (string | Uint8Array)[]): void {
    for (const line of lines) {
      this.input.write(line);
      this.input.write('\n');
    }
  }

  /** Writes a message from `src` with `body`; `msg_id` must be in it where an answer is wanted. */
  tell(src: string, body: Readonly<Record<string, unknown>>): void {
    this.write(JSON.stringify({ src, dest: 'n1', body }));
  }

  /** The next line that no earlier call returned. */
  async nextLine(): Promise<string> {
    await this.until(() => this.lines.length > this.#taken);
    return this.lines[this.#taken++] ?? '';
  }

  async nextReply(): Promise<Reply> {
    return JSON.parse(await this.nextLine()) as Reply;
  }

  /** Sends one message and returns the body of the reply. */
  async ask(body: Readonly<Record<string, unknown>>, src = 'c1'): Promise<Readonly<Record<string, unknown>>> {
    this.tell(src, { msg_id: 2, ...body });
    return (await this.nextReply()).body;
  }

  /** Resolves once `holds` is true; it is looked at again after all output and each log line. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  /** Ends the input and returns everything written. */
  async finish(): Promise<string[]> {
    this.input.end();
    await this.done;
    return this.lines;
  }

  #wake(): void {
    const waiters = this.#arrived;
    this.#arrived = [];
    for (const wake of waiters) wake();
  }
}

/** A running bridge after init. */
export async function initialised(options: ConstructorParameters<typeof BridgeHarness>[0] = {}) {
  const harness = new BridgeHarness(options).read();
  harness.write(INIT_LINE);
  await harness.nextLine();
  return harness;
}

/** A promise and the function that resolves it. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Lets everything that is ready run: a turn of the event loop, so that streams move too. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Any value that JSON has a text for: -0 is left out, which JSON.stringify writes as 0. */
export const anyJson: fc.Arbitrary<unknown> = fc.json().map((text): unknown => JSON.parse(text));
