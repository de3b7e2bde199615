/**
 * Owns the brokers under measurement: processes of their own, as in production, each known by its pid.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, HOST } from '../../dist/src/cli/free-ports.js';
import { PeerProxies } from '../../dist/src/cli/peer-proxies.js';
import { connect } from '../../dist/src/client/index.js';
import { cpuSecondsOf, residentMibOf } from './proc.mjs';
import { until } from './until.mjs';

const LAUNCHER = fileURLToPath(new URL('../../bin/bellwether', import.meta.url));
const HANG_FSYNC = fileURLToPath(new URL('hang-fsync.mjs', import.meta.url));

/** How long a broker may take to stop in order before it is killed, in milliseconds. */
const STOP_GRACE_MS = 5000;

/** Lines of each broker's log that are kept for the case that something goes wrong. */
const LOG_LINES_KEPT = 40;

/**
 * A line of a broker's log that is JSON.
 *
 * @typedef {{ readonly broker: string, readonly time: number, readonly msg: string, readonly peer?: string }} LogLine
 */

/**
 * @typedef {object} StartOptions
 * @property {string} folder Exists; holds a folder for each broker.
 * @property {number} [count] Default 3.
 * @property {readonly string[]} [profiling] Arguments of Node for broker n1.
 * @property {boolean} [proxied] Puts a proxy before each peer listener, for `cut` and to count what passes.
 * @property {boolean} [mayHang] Lets `hangDisk` work.
 * @property {readonly string[]} [flags] Of `bellwether serve`, for every broker.
 * @property {boolean} [balanced] False: leaders stay where a fault has put them, where the broker can do that.
 */

/**
 * @typedef {object} Member
 * @property {string} id
 * @property {string} address HOST:PORT for clients.
 * @property {readonly string[]} args
 * @property {import('node:child_process').ChildProcess | undefined} child
 * @property {string[]} log
 */

export class BrokerProcesses {
  /** @type {Map<string, Member>} */
  #members = new Map();
  /** @type {Set<(line: LogLine) => void>} */
  #listeners = new Set();
  /** @type {Set<import('../../dist/src/client/index.js').BellwetherClient>} */
  #clients = new Set();
  /** @type {PeerProxies | undefined} */
  #proxies;
  #options;

  /** @param {StartOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Starts brokers n1, n2, ... on free ports and waits until all of them hear each other.
   *
   * @param {StartOptions} options
   */
  static async start(options) {
    const { folder, count = 3, proxied = false, balanced = true, flags: given = [] } = options;
    const processes = new BrokerProcesses(options);
    started.add(processes);
    const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    const addresses = (await freePorts((proxied ? 3 : 2) * count)).map((port) => `${HOST}:${port}`);
    const at = (/** @type {number} */ block, /** @type {number} */ i) => String(addresses[block * count + i]);
    // A broker registers the address that --peers names for it, so that all others dial its proxy.
    const peers = ids.map((id, i) => `${id}=${at(proxied ? 2 : 1, i)}`).join(',');
    const flags = [...given, ...(balanced ? [] : unbalanced())];
    ids.forEach((id, i) => {
      const args = ['serve', '--id', id, '--listen', at(0, i), '--peer-listen', at(1, i)];
      args.push('--peers', peers, '--data', join(folder, id), ...flags);
      processes.#members.set(id, { id, address: at(0, i), args, child: undefined, log: [] });
    });
    if (proxied) {
      const doors = ids.map((id, i) => ({ id, listen: at(2, i), target: at(1, i) }));
      processes.#proxies = await PeerProxies.start(doors, (id) => processes.pid(id));
    }
    for (const id of ids) processes.launch(id);
    await processes.whole();
    return processes;
  }

  get ids() {
    return [...this.#members.keys()];
  }

  /** A client of the whole cluster with connections of its own; closed with the cluster. */
  async client() {
    const client = await connect({ brokers: [...this.#members.values()].map(({ address }) => address) });
    this.#clients.add(client);
    return client;
  }

  /**
   * Calls `listener` for every line that a broker logs from now on.
   *
   * @param {(line: LogLine) => void} listener
   * @returns {() => void} What ends it.
   */
  onLog(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {string} id Of a broker that is not running. */
  launch(id) {
    const member = this.#member(id);
    const { profiling = [], mayHang = false } = this.#options;
    const nodeArgs = [...(id === 'n1' ? profiling : []), ...(mayHang ? ['--import', HANG_FSYNC] : [])];
    const child = spawn(process.execPath, [...nodeArgs, LAUNCHER, ...member.args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Debug lines tell when a peer was found dead; a broker logs none of them for each request.
      env: { ...process.env, BELLWETHER_LOG: 'debug', BENCH_HANG_FSYNC_WHILE: this.#hangFlag(id) },
    });
    member.child = child;
    eachLine(child, (line) => this.#logged(member, line));
    child.once('exit', (code, signal) => {
      // A broker that was told to end has no child any more.
      if (member.child === child) fatal(`broker ${id} ended by itself (${signal ?? code})`, member.log);
    });
  }

  /**
   * Ends a process: SIGKILL, or SIGTERM so that it leaves in order. The signal is sent when this returns; the
   * promise resolves when the process is gone.
   *
   * @param {string} id
   * @param {'SIGKILL' | 'SIGTERM'} [signal]
   * @returns {Promise<unknown>}
   */
  kill(id, signal = 'SIGKILL') {
    const pid = this.pid(id);
    const member = this.#member(id);
    const gone = member.child === undefined ? Promise.resolve() : once(member.child, 'exit');
    member.child = undefined;
    process.kill(pid, signal);
    return gone;
  }

  /**
   * Stops a process where it is, or lets it go on.
   *
   * @param {string} id
   * @param {'SIGSTOP' | 'SIGCONT'} signal
   */
  signal(id, signal) {
    process.kill(this.pid(id), signal);
  }

  /**
   * From now on no fdatasync of the broker returns.
   *
   * @param {string} id
   */
  hangDisk(id) {
    writeFileSync(this.#hangFlag(id), '');
  }

  /**
   * The broker's disk answers again, also what hung.
   *
   * @param {string} id
   */
  freeDisk(id) {
    rmSync(this.#hangFlag(id), { force: true });
  }

  /** The proxies between the brokers, of a cluster that was started with them. */
  get proxies() {
    if (this.#proxies === undefined) throw new Error('the cluster was started without proxies');
    return this.#proxies;
  }

  /**
   * @param {string} id
   * @throws Error when the broker is not running.
   */
  pid(id) {
    const { child } = this.#member(id);
    if (child?.pid === undefined) throw new Error(`broker ${id} is not running`);
    return child.pid;
  }

  /** Waits until every broker hears every other. */
  async whole() {
    await Promise.all(this.ids.map((id) => this.#hearsAll(id)));
  }

  /**
   * Resident memory of a broker in MiB; undefined where the system does not tell it (Linux does).
   *
   * @param {string} id
   */
  residentMib(id) {
    return residentMibOf(this.pid(id));
  }

  /** CPU time that the running brokers have used together, in seconds; NaN where the system does not tell it. */
  cpuSeconds() {
    return this.ids
      .filter((id) => this.#member(id).child !== undefined)
      .reduce((sum, id) => sum + this.cpuSecondsOf(id), 0);
  }

  /**
   * CPU time that a broker has used, in seconds; NaN where the system does not tell it.
   *
   * @param {string} id
   */
  cpuSecondsOf(id) {
    return cpuSecondsOf(this.pid(id));
  }

  /** Ends clients and brokers, the latter in order. */
  async stop() {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await Promise.all([...this.#members.values()].map(stopMember));
    await this.#proxies?.close();
    started.delete(this);
  }

  /** Ends the brokers at once, for the end of this process. */
  killNow() {
    for (const member of this.#members.values()) {
      member.child?.kill('SIGKILL');
      member.child = undefined;
    }
    started.delete(this);
  }

  /** @param {string} id */
  async #hearsAll(id) {
    const client = await connect({ brokers: [this.#member(id).address] });
    try {
      await until(`${id} hears all brokers`, async () => {
        const { brokers } = await client.metadata([], { timeoutMs: 1000 });
        return brokers.filter(({ alive }) => alive).length === this.#members.size;
      });
    } finally {
      await client.close();
    }
  }

  /**
   * @param {Member} member
   * @param {string} text
   */
  #logged(member, text) {
    member.log.push(text);
    if (member.log.length > LOG_LINES_KEPT) member.log.shift();
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text);
    for (const listener of this.#listeners) listener(line);
  }

  /** @param {string} id */
  #hangFlag(id) {
    return join(this.#options.folder, `${id}.hangs`);
  }

  /** @param {string} id */
  #member(id) {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`there is no broker ${id}`);
    return member;
  }
}

/** Every cluster that runs, so that the end of this process ends them all. @type {Set<BrokerProcesses>} */
const started = new Set();

/** Ends every broker that this process started. */
export function killAllBrokers() {
  for (const processes of started) processes.killNow();
}

/** The flags that keep leaders where they are: none where this version knows of no balance. */
function unbalanced() {
  const { stdout } = spawnSync(process.execPath, [LAUNCHER, 'serve', '--help'], { encoding: 'utf8' });
  return stdout.includes('--leader-balance') ? ['--leader-balance', 'off'] : [];
}

/** @param {Member} member */
async function stopMember(member) {
  const { child } = member;
  member.child = undefined;
  if (child === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await gone;
  clearTimeout(timer);
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {(line: string) => void} onLine
 */
function eachLine(child, onLine) {
  let rest = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/**
 * A cluster that lost a broker by itself measures nothing.
 *
 * @param {string} text
 * @param {readonly string[]} log
 */
function fatal(text, log) {
  process.stderr.write(`bench: ${text}\n${log.map((line) => `  ${line}\n`).join('')}`);
  process.exit(1);
}
