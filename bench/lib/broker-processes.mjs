/**
 * Owns the brokers under measurement: processes of their own, as in production, each known by its pid.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../dist/src/client/index.js';
import { until } from './until.mjs';

const LAUNCHER = fileURLToPath(new URL('../../bin/bellwether', import.meta.url));
const HOST = '127.0.0.1';

/** How long a broker may take to stop in order before it is killed, in milliseconds. */
const STOP_GRACE_MS = 5000;

/** Lines of each broker's log that are kept for the case that something goes wrong. */
const LOG_LINES_KEPT = 40;

/** USER_HZ, which is 100 wherever Linux runs Node. */
const TICKS_PER_SECOND = 100;

/**
 * A line of a broker's log that is JSON.
 *
 * @typedef {{ readonly broker: string, readonly time: number, readonly msg: string, readonly peer?: string }} LogLine
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
  /** @type {readonly string[]} */
  #profiling;

  /** @param {readonly string[]} profiling */
  constructor(profiling) {
    this.#profiling = profiling;
  }

  /**
   * Starts brokers n1, n2, ... on free ports and waits until all of them hear each other.
   *
   * @param {object} options
   * @param {string} options.folder Exists; holds a folder for each broker.
   * @param {number} [options.count] Default 3.
   * @param {readonly string[]} [options.profiling] Arguments of Node for broker n1.
   */
  static async start({ folder, count = 3, profiling = [] }) {
    const processes = new BrokerProcesses(profiling);
    const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    const addresses = (await freePorts(2 * count)).map((port) => `${HOST}:${port}`);
    const peers = ids.map((id, i) => `${id}=${addresses[count + i]}`).join(',');
    ids.forEach((id, i) => {
      const address = String(addresses[i]);
      const args = ['serve', '--id', id, '--listen', address, '--peer-listen', String(addresses[count + i])];
      args.push('--peers', peers, '--data', join(folder, id));
      processes.#members.set(id, { id, address, args, child: undefined, log: [] });
    });
    started.add(processes);
    for (const id of ids) processes.launch(id);
    for (const id of ids) await processes.#hearsAll(id);
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
    const profiling = id === 'n1' ? this.#profiling : [];
    const child = spawn(process.execPath, [...profiling, LAUNCHER, ...member.args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Debug lines tell when a peer was found dead; a broker logs none of them for each request.
      env: { ...process.env, BELLWETHER_LOG: 'debug' },
    });
    member.child = child;
    eachLine(child, (line) => this.#logged(member, line));
    child.once('exit', (code, signal) => {
      // A broker that was told to end has no child any more.
      if (member.child === child) fatal(`broker ${id} ended by itself (${signal ?? code})`, member.log);
    });
  }

  /**
   * kill -9. The signal is sent when this returns; the promise resolves when the process is gone.
   *
   * @param {string} id
   * @returns {Promise<unknown>}
   */
  kill(id) {
    const member = this.#member(id);
    const { child } = member;
    if (child?.pid === undefined) throw new Error(`broker ${id} is not running`);
    member.child = undefined;
    const gone = once(child, 'exit');
    process.kill(child.pid, 'SIGKILL');
    return gone;
  }

  /**
   * Resident memory of a broker in MiB; undefined where the system does not tell it (Linux does).
   *
   * @param {string} id
   */
  residentMib(id) {
    const { child } = this.#member(id);
    try {
      const status = readFileSync(`/proc/${child?.pid}/status`, 'utf8');
      return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
    } catch {
      return undefined;
    }
  }

  /** CPU time that the running brokers have used together, in seconds; NaN where the system does not tell it. */
  cpuSeconds() {
    return [...this.#members.values()]
      .filter(({ child }) => child !== undefined)
      .reduce((sum, { id }) => sum + this.cpuSecondsOf(id), 0);
  }

  /**
   * CPU time that a broker has used, in seconds; NaN for one that does not run, and where the system does not
   * tell it. Linux counts it in hundredths of a second.
   *
   * @param {string} id
   */
  cpuSecondsOf(id) {
    try {
      // Fields 14 and 15 are user and system time; the name of the process, which may hold spaces, is second.
      const stat = readFileSync(`/proc/${this.#member(id).child?.pid}/stat`, 'utf8');
      const [userTicks, systemTicks] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      return (Number(userTicks) + Number(systemTicks)) / TICKS_PER_SECOND;
    } catch {
      return Number.NaN;
    }
  }

  /** Ends clients and brokers, the latter in order. */
  async stop() {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await Promise.all([...this.#members.values()].map(stopMember));
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

/**
 * Ports that were free a moment ago.
 *
 * @param {number} count
 */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = [];
  for (const server of servers) {
    server.listen(0, HOST);
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
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
