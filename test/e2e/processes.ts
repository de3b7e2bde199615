/** A cluster of real broker processes for a test: started, killed, paused and restarted by name. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/cli/free-ports.js';
import { connect, type BellwetherClient } from '../../src/client/index.js';

export const LAUNCHER = new URL('../../bin/bellwether', import.meta.url).pathname;
const HANG_FDATASYNC = new URL('hang-fdatasync.mjs', import.meta.url).pathname;

/** What a finished process left. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bellwether` to its end. */
export async function bellwether(args: readonly string[], input = ''): Promise<Finished> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** The first of consecutive ports that were free a moment ago. */
export async function freePortRange(count: number): Promise<number> {
  const [first = 0] = await freePorts(count);
  return first;
}

export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'bellwether-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

interface Member {
  readonly id: string;
  readonly address: string;
  readonly peerAddress: string;
  readonly args: readonly string[];
  child: ChildProcess | undefined;
  stderr: string;
}

export class ProcessCluster {
  readonly #members = new Map<string, Member>();
  readonly #folder: { readonly path: string; remove(): Promise<void> };
  readonly #clients: BellwetherClient[] = [];
  readonly #mayHang: boolean;

  private constructor(folder: { readonly path: string; remove(): Promise<void> }, mayHang: boolean) {
    this.#folder = folder;
    this.#mayHang = mayHang;
  }

  /**
   * Starts brokers n1, n2, ..., each with `flags`, and waits until all of them hear each other.
   *
   * @param mayHang Lets `hangDisk` work; see hang-fdatasync.mjs.
   */
  static async start(
    brokerCount = 3,
    { flags = [], mayHang = false }: { readonly flags?: readonly string[]; readonly mayHang?: boolean } = {},
  ): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(await temporaryFolder(), mayHang);
    const ids = Array.from({ length: brokerCount }, (_, i) => `n${String(i + 1)}`);
    const ports = await freePorts(2 * brokerCount);
    const addressAt = (i: number): string => `127.0.0.1:${String(ports[i])}`;
    const peers = ids.map((id, i) => `${id}=${addressAt(brokerCount + i)}`).join(',');
    ids.forEach((id, i) => {
      cluster.#define(id, addressAt(i), addressAt(brokerCount + i), ['--peers', peers, ...flags]);
    });
    for (const id of ids) cluster.launch(id);
    await cluster.allAlive();
    return cluster;
  }

  /** Defines a broker that is to join, and knows where the first one is. It is not started. */
  async newcomer(id: string): Promise<void> {
    const [port, peerPort] = await freePorts(2);
    const [known] = this.#members.values();
    const flags = ['--join', '--peers', `${known?.id ?? ''}=${known?.peerAddress ?? ''}`];
    this.#define(id, `127.0.0.1:${String(port)}`, `127.0.0.1:${String(peerPort)}`, flags);
  }

  /** Wipes the disk of a broker that is not running, which has to join from now on. */
  async wipe(id: string): Promise<void> {
    const { address, peerAddress, args } = this.#member(id);
    await rm(join(this.#folder.path, id), { recursive: true });
    const peers = args[args.indexOf('--peers') + 1] ?? '';
    this.#define(id, address, peerAddress, ['--join', '--peers', peers]);
  }

  get ids(): string[] {
    return [...this.#members.keys()];
  }

  address(id: string): string {
    return this.#member(id).address;
  }

  peerAddress(id: string): string {
    return this.#member(id).peerAddress;
  }

  /** All that a broker has written to stderr. */
  stderr(id: string): string {
    return this.#member(id).stderr;
  }

  args(id: string): readonly string[] {
    return this.#member(id).args;
  }

  get bootstrap(): string {
    return this.ids.map((id) => this.address(id)).join(',');
  }

  /** A client of the whole cluster, or of some brokers; closed with the cluster. */
  async client(ids: readonly string[] = this.ids): Promise<BellwetherClient> {
    const client = await connect({ brokers: ids.map((id) => this.address(id)) });
    this.#clients.push(client);
    return client;
  }

  /** Starts a broker that is not running. */
  launch(id: string): void {
    const member = this.#member(id);
    const preload = this.#mayHang ? ['--import', HANG_FDATASYNC] : [];
    const child = spawn(process.execPath, [...preload, LAUNCHER, ...member.args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HANG_FDATASYNC_WHILE: this.#hangFlag(id) },
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (member.stderr += text));
    member.child = child;
  }

  /** Sends a signal without waiting. */
  signal(id: string, signal: NodeJS.Signals): void {
    this.#member(id).child?.kill(signal);
  }

  /** From now on no sync of the broker's disk returns. */
  async hangDisk(id: string): Promise<void> {
    await writeFile(this.#hangFlag(id), '');
  }

  /** The disk answers again, also what hung. */
  async freeDisk(id: string): Promise<void> {
    await rm(this.#hangFlag(id), { force: true });
  }

  /** kill -9, and waits until the process is gone. */
  async kill(id: string): Promise<void> {
    const { child } = this.#member(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Waits until a broker ends by itself, and tells how. */
  async ended(id: string): Promise<number | null> {
    const { child } = this.#member(id);
    await until(`${id} ends`, () => Promise.resolve(child?.exitCode !== null || child.signalCode !== null));
    return child?.exitCode ?? null;
  }

  /** Waits until every running broker hears every other and stands in the metadata. */
  async allAlive(ids: readonly string[] = this.ids): Promise<void> {
    for (const id of ids) {
      const client = await connect({ brokers: [this.address(id)] });
      try {
        await until(`${id} hears ${ids.join(', ')}`, async () => {
          const { brokers } = await client.metadata([], { timeoutMs: 1_000 });
          return ids.every((other) => brokers.some((broker) => broker.id === other && broker.alive));
        });
      } catch (error) {
        throw new Error(`${String(error)}\n${this.#member(id).stderr}`, { cause: error });
      } finally {
        await client.close();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const id of this.ids) {
      this.signal(id, 'SIGCONT');
      await this.kill(id);
    }
    await this.#folder.remove();
  }

  #define(id: string, address: string, peerAddress: string, flags: readonly string[]): void {
    const where = ['--id', id, '--listen', address, '--peer-listen', peerAddress];
    const args = ['serve', ...where, ...flags, '--data', join(this.#folder.path, id)];
    this.#members.set(id, { id, address, peerAddress, args, child: undefined, stderr: '' });
  }

  #hangFlag(id: string): string {
    return join(this.#folder.path, `${id}.hangs`);
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no broker ${id}`);
    return member;
  }
}

/** Polls until `condition` holds; a condition that throws does not hold yet. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw new Error(`never: ${what}`, { cause: error });
    }
    if (performance.now() > deadlineMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
