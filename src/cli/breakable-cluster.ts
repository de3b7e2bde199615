/** A local cluster that verify may break: brokers as processes, and proxies between them. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import type { Breakable, Fault } from '../verify/torment.js';
import { hasEnded, spawnBroker, stopBroker } from './broker-process.js';
import { clusterStarted } from './cluster-start.js';
import { freePorts, HOST } from './free-ports.js';
import { PeerProxies } from './peer-proxies.js';

/** How long the cluster may take until every broker serves, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** Last lines of each broker that are kept, to say what ended it. */
const LINES_KEPT = 20;

export interface BreakableOptions {
  readonly brokerCount: number;
  /** Puts a proxy before each peer listener; without, links cannot be cut. */
  readonly mayCut: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A broker ended that was not killed. */
  readonly onLost: (error: BellwetherError) => void;
}

interface Member {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly args: readonly string[];
  child: ChildProcess | undefined;
  lines: string[];
}

export class BreakableCluster implements Breakable {
  readonly #options: BreakableOptions;
  /** Holds a folder for each broker. */
  readonly folder: string;
  readonly #members = new Map<string, Member>();
  #proxies: PeerProxies | undefined;
  readonly #aborted = new AbortController();
  /** The end of this process, however it comes about, is that of its brokers. */
  readonly #killAll = (): void => {
    for (const { child } of this.#members.values()) child?.kill('SIGKILL');
  };

  private constructor(options: BreakableOptions, folder: string) {
    this.#options = options;
    this.folder = folder;
    process.on('exit', this.#killAll);
  }

  /** Starts brokers n1, n2, ... on free ports, with data in a temporary folder, and waits until they hear each other. */
  static async start(options: BreakableOptions): Promise<BreakableCluster> {
    const cluster = new BreakableCluster(options, await mkdtemp(join(tmpdir(), 'bellwether-verify-')));
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get brokers(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** HOST:PORT of each broker for clients. */
  get addresses(): readonly string[] {
    return [...this.#members.values()].map(({ address }) => address);
  }

  async begin(fault: Fault, broker: string): Promise<void> {
    switch (fault) {
      case 'kill':
        return this.#kill(broker);
      case 'pause':
        this.#member(broker).child?.kill('SIGSTOP');
        return;
      case 'cut':
        invariant(this.#proxies !== undefined, 'links are cut only where there are proxies');
        this.#proxies.cut(broker);
        return;
    }
  }

  async end(fault: Fault, broker: string): Promise<void> {
    switch (fault) {
      case 'kill':
        await this.#proxies?.open(broker);
        this.#launch(this.#member(broker));
        return;
      case 'pause':
        this.#member(broker).child?.kill('SIGCONT');
        return;
      case 'cut':
        this.#proxies?.heal();
        return;
    }
  }

  async whole(withinMs: number): Promise<boolean> {
    const members = [...this.#members.values()].map(({ id, address }) => ({ id, address }));
    const starting = { members: () => members, aborted: this.#aborted.signal, timeoutMs: withinMs };
    try {
      // When time is up it tells what it has seen last.
      return (await clusterStarted(starting)).brokers.every(({ alive }) => alive);
    } catch (error) {
      if (error instanceof BellwetherError && error.reason === 'NO_LEADER') return false;
      throw error;
    }
  }

  /** Stops all brokers; their data stays when `keepData`. */
  async close(keepData = false): Promise<void> {
    this.#aborted.abort(new BellwetherError('SHUTTING_DOWN', 'the cluster is stopping'));
    const children = [...this.#members.values()].map((member) => {
      const { child } = member;
      member.child = undefined;
      return child;
    });
    await Promise.all(
      children.map(async (child) => {
        if (child === undefined) return;
        child.kill('SIGCONT');
        await stopBroker(child);
      }),
    );
    await this.#proxies?.close();
    process.off('exit', this.#killAll);
    if (!keepData) await rm(this.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { brokerCount, mayCut } = this.#options;
    const ids = Array.from({ length: brokerCount }, (_, i) => `n${i + 1}`);
    const ports = await freePorts((mayCut ? 3 : 2) * brokerCount);
    const at = (block: number, i: number): string => `${HOST}:${ports[block * brokerCount + i] ?? 0}`;
    // A broker registers the address that --peers names for it, so that all others dial its proxy.
    const peers = ids.map((id, i) => `${id}=${at(mayCut ? 2 : 1, i)}`).join(',');
    ids.forEach((id, i) => {
      const args = ['serve', '--id', id, '--listen', at(0, i), '--peer-listen', at(1, i)];
      args.push('--peers', peers, '--data', join(this.folder, id));
      this.#members.set(id, { id, address: at(0, i), args, child: undefined, lines: [] });
    });
    if (mayCut) {
      const doors = ids.map((id, i) => ({ id, listen: at(2, i), target: at(1, i) }));
      this.#proxies = await PeerProxies.start(doors, (id) => this.#members.get(id)?.child?.pid);
    }
    for (const member of this.#members.values()) this.#launch(member);
    if (!(await this.whole(START_TIMEOUT_MS))) {
      throw new BellwetherError('NO_LEADER', 'the local cluster did not start in time');
    }
  }

  #launch(member: Member): void {
    const { id, args } = member;
    const child = spawnBroker(
      args,
      this.#options.env,
      (line) => {
        member.lines = [...member.lines, line].slice(-LINES_KEPT);
      },
      true,
    );
    member.child = child;
    child.once('close', (code, signal) => {
      // One that was told to end is nobody's child any more.
      if (member.child !== child) return;
      member.child = undefined;
      const said = member.lines.join('\n');
      const error = new BellwetherError(
        'INTERNAL',
        `broker ${id} ended by itself (${signal ?? code}):\n${said}`,
      );
      this.#aborted.abort(error);
      this.#options.onLost(error);
    });
  }

  async #kill(id: string): Promise<void> {
    const member = this.#member(id);
    const { child } = member;
    member.child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const gone = once(child, 'exit');
    // Whoever dials it from now on is refused, as by a host on which nothing listens.
    this.#proxies?.shut(id);
    child.kill('SIGKILL');
    await gone;
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    invariant(member !== undefined, 'there is such a broker', { id });
    return member;
  }
}
