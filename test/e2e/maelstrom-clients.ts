/** Clients of the bridge that do what Maelstrom's kafka workload does, and write down what they were told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Operation, ReadRecord, SendOutcome } from '../../src/history/types.js';
import { LAUNCHER, until } from './processes.js';

/** Processes of the readers at the end, one for each key. */
const FINAL_READER_BASE = 1_000_000;

/** After this many milliseconds without a reply a client gives up, as Maelstrom's does. */
const PATIENCE_MS = 5_000;

/** Codes that promise nothing about what was applied (Maelstrom doc/protocol.md). */
const INDEFINITE: readonly unknown[] = [0, 13];

type Body = Readonly<Record<string, unknown>>;

const polled = z.object({ msgs: z.record(z.string(), z.array(z.tuple([z.number(), z.number()]))) });
const listed = z.object({ offsets: z.record(z.string(), z.number()) });

/** The keys that Maelstrom's schemas allow, besides in_reply_to and msg_id; it refuses any other. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  send_ok: ['type', 'offset'],
  poll_ok: ['type', 'msgs'],
  commit_offsets_ok: ['type'],
  list_committed_offsets_ok: ['type', 'offsets'],
};

/** A client, as the history names it: a new one begins when the old one does not know what became of a call. */
interface Client {
  process: number;
  readonly name: string;
  /** Next offset to read of each key. */
  readonly offsets: Map<string, number>;
}

export class MaelstromClients {
  readonly operations: Operation[] = [];
  /** What Maelstrom would have refused, or taken for an anomaly. */
  readonly breaches: string[] = [];
  slowestMs = 0;
  readonly #child: ChildProcess;
  readonly #keys: readonly string[];
  readonly #waiting = new Map<number, (body: Body) => void>();
  readonly #loops: Promise<void>[] = [];
  /** Keys of which a commit was acknowledged. Of two at the same time either may win, so no offset is expected. */
  readonly #committed = new Set<string>();
  #acknowledged = 0;
  #goals: { readonly goal: number; readonly resolve: () => void }[] = [];
  #nextId = 1;
  #nextValue = 1;
  #nextProcess = 0;
  #resting = false;

  private constructor(child: ChildProcess, keys: readonly string[]) {
    this.#child = child;
    this.#keys = keys;
    if (child.stdout === null) throw new Error('the bridge has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { body } = JSON.parse(line) as { readonly body: Body };
      this.#waiting.get(Number(body['in_reply_to']))?.(body);
    });
  }

  /** Starts a bridge that serves a running cluster. */
  static async start(bootstrap: string, keys: readonly string[]): Promise<MaelstromClients> {
    const args = [LAUNCHER, 'bridge', '--brokers', bootstrap];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const clients = new MaelstromClients(child, keys);
    await clients.#call('c0', { type: 'init', node_id: 'n1', node_ids: ['n1', 'n2', 'n3'] });
    return clients;
  }

  /** Has a client send, poll, commit and list in turns, until `rest`. */
  work(number: number): void {
    const client: Client = { process: this.#nextProcess++, name: `c${number + 1}`, offsets: new Map() };
    const loop = async (): Promise<void> => {
      for (let turn = number; !this.#resting; turn++) {
        const key = this.#keys[turn % this.#keys.length] ?? '';
        await this.#send(client, key);
        if (turn % 2 === 0) await this.#poll(client);
        if (turn % 8 === 0) await this.#list(client);
      }
    };
    const running = loop();
    running.catch(() => undefined);
    this.#loops.push(running);
  }

  /** Waits until so many more sends are acknowledged. */
  async moreSent(count: number): Promise<void> {
    const goal = this.#acknowledged + count;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#goals.push({ goal, resolve });
      }),
      // A loop that fails ends the wait too.
      Promise.all(this.#loops),
    ]);
  }

  async rest(): Promise<void> {
    this.#resting = true;
    await Promise.all(this.#loops);
  }

  /** Every key once more from its beginning, until nothing comes any more. */
  async readAll(): Promise<void> {
    for (const [i, key] of this.#keys.entries()) {
      const reader: Client = {
        process: FINAL_READER_BASE + i,
        name: 'final',
        offsets: new Map([[key, 0]]),
      };
      await until(`${key} is read to its end`, async () => {
        const before = reader.offsets.get(key);
        return (await this.#pollOnce(reader)) && reader.offsets.get(key) === before;
      });
    }
  }

  async close(): Promise<void> {
    this.#resting = true;
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    await closed;
  }

  async #send(client: Client, key: string): Promise<void> {
    const value = this.#nextValue++;
    const invokedAtMs = performance.now();
    const reply = await this.#call(client.name, { type: 'send', key, msg: value });
    const outcome: SendOutcome =
      reply['type'] === 'send_ok' ? 'ok' : INDEFINITE.includes(reply['code']) ? 'unknown' : 'failed';
    const completedAtMs = performance.now();
    const offset = outcome === 'ok' ? Number(reply['offset']) : undefined;
    const about = { process: client.process, key, invokedAtMs, completedAtMs };
    this.operations.push({ kind: 'send', ...about, outcome, value, offset });
    if (outcome === 'ok') this.#acknowledge();
    if (outcome === 'unknown') this.#renew(client);
  }

  #acknowledge(): void {
    this.#acknowledged += 1;
    const reached = this.#goals.filter(({ goal }) => goal <= this.#acknowledged);
    this.#goals = this.#goals.filter(({ goal }) => goal > this.#acknowledged);
    for (const { resolve } of reached) resolve();
  }

  /** A poll, and then a commit of what it read, as Maelstrom's client does. */
  async #poll(client: Client): Promise<void> {
    for (const key of this.#keys) if (!client.offsets.has(key)) client.offsets.set(key, 0);
    if (!(await this.#pollOnce(client))) return;
    const read = [...client.offsets].filter(([, next]) => next > 0);
    if (read.length === 0) return;
    const offsets = Object.fromEntries(read.map(([key, next]) => [key, next - 1]));
    const reply = await this.#call(client.name, { type: 'commit_offsets', offsets });
    if (reply['type'] === 'commit_offsets_ok') {
      for (const key of Object.keys(offsets)) this.#committed.add(key);
      return;
    }
    // A definite error would have Maelstrom go on with this client, and find that it skipped what it had polled.
    if (!INDEFINITE.includes(reply['code'])) this.breaches.push(`commit_offsets: ${JSON.stringify(reply)}`);
    this.#renew(client);
  }

  /** True when it succeeded. */
  async #pollOnce(client: Client): Promise<boolean> {
    const invokedAtMs = performance.now();
    const reply = await this.#call(client.name, {
      type: 'poll',
      offsets: Object.fromEntries(client.offsets),
    });
    if (reply['type'] !== 'poll_ok') return false;
    const completedAtMs = performance.now();
    for (const [key, records] of Object.entries(polled.parse(reply).msgs)) {
      this.#record(client, key, records, { invokedAtMs, completedAtMs });
    }
    return true;
  }

  #record(
    { process, offsets }: Client,
    key: string,
    records: readonly ReadRecord[],
    at: { readonly invokedAtMs: number; readonly completedAtMs: number },
  ): void {
    const from = offsets.get(key) ?? 0;
    this.operations.push({ kind: 'poll', process, key, ...at, outcome: 'ok', from, records });
    const last = records[records.length - 1];
    if (last !== undefined) offsets.set(key, last[0] + 1);
  }

  /** Once a commit of a key was acknowledged, there is a committed offset. */
  async #list(client: Client): Promise<void> {
    const expected = [...this.#committed];
    const reply = await this.#call(client.name, { type: 'list_committed_offsets', keys: this.#keys });
    if (reply['type'] !== 'list_committed_offsets_ok') return;
    const { offsets } = listed.parse(reply);
    for (const key of expected) {
      if (offsets[key] === undefined) this.breaches.push(`the committed offset of ${key} is gone`);
    }
  }

  /** As Maelstrom does when it does not know what became of a call: another client, from the beginning. */
  #renew(client: Client): void {
    client.process = this.#nextProcess++;
    client.offsets.clear();
  }

  async #call(src: string, fields: Body): Promise<Body> {
    const msgId = this.#nextId++;
    const sentMs = performance.now();
    const reply = await new Promise<Body>((resolve) => {
      const late = setTimeout(() => resolve({ type: 'error', code: 0, text: 'no reply' }), PATIENCE_MS);
      this.#waiting.set(msgId, (body) => {
        clearTimeout(late);
        resolve(body);
      });
      this.#child.stdin?.write(
        `${JSON.stringify({ src, dest: 'n1', body: { ...fields, msg_id: msgId } })}\n`,
      );
    });
    this.#waiting.delete(msgId);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - sentMs);
    const allowed = FIELDS[String(reply['type'])];
    const more = Object.keys(reply).filter(
      (name) => allowed?.includes(name) === false && name !== 'in_reply_to' && name !== 'msg_id',
    );
    if (more.length > 0) this.breaches.push(`${String(reply['type'])} has ${more.join(', ')}`);
    return reply;
  }
}
