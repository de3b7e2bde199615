/** Brokers of a local cluster as processes of their own: starts them, watches them, ends them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { logLevel } from '../config.js';

/** How a broker's log says that it listens. */
const LISTENING = '"msg":"listening"';

/** How long a broker may take to stop before it is killed. */
const STOP_GRACE_MS = 5_000;

export interface LocalClusterOptions {
  readonly brokerCount: number;
  readonly host: string;
  /** Port of the first broker for clients, and for the other brokers; each next one is one higher. */
  readonly clientPort: number;
  readonly peerPort: number;
  /** Folder that holds a folder for each broker. */
  readonly data: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Each line that a broker prints. */
  readonly onLine: (broker: string, line: string) => void;
  /** A broker ended that was not told to. */
  readonly onEnded: (broker: LocalBroker, code: number | null, signal: NodeJS.Signals | null) => void;
}

export interface LocalBroker {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** Arguments that start it again, behind `bellwether`. */
  readonly args: readonly string[];
  readonly pid: number | undefined;
}

export interface LocalCluster {
  readonly brokers: readonly LocalBroker[];
  /** Resolves once every broker listens on its ports; never when one ends before. */
  readonly listening: Promise<void>;
  /** Asks every broker to stop, and kills what has not stopped in time. */
  stop(): Promise<void>;
}

export function startLocalCluster(options: LocalClusterOptions): LocalCluster {
  const ids = Array.from({ length: options.brokerCount }, (_, i) => `n${String(i + 1)}`);
  const peers = ids.map((id, i) => `${id}=${options.host}:${String(options.peerPort + i)}`).join(',');
  const children: ChildProcess[] = [];
  let stopping = false;
  const silent = new Set(ids);
  let allListen: () => void = () => undefined;
  const listening = new Promise<void>((resolve) => {
    allListen = resolve;
  });
  const brokers = ids.map((id, i): LocalBroker => {
    const address = `${options.host}:${String(options.clientPort + i)}`;
    const peerListen = `${options.host}:${String(options.peerPort + i)}`;
    const data = join(options.data, id);
    const args = ['serve', '--id', id, '--listen', address, '--peer-listen', peerListen];
    args.push('--peers', peers, '--data', data);
    const child = spawn(process.execPath, [launcher(), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...options.env, BELLWETHER_LOG: brokerLogLevel(options.env) },
    });
    children.push(child);
    const broker = { id, address, args, pid: child.pid };
    splitLines(child, (line) => {
      if (line.includes(LISTENING) && silent.delete(id) && silent.size === 0) allListen();
      options.onLine(id, line);
    });
    child.once('exit', (code, signal) => {
      if (!stopping) options.onEnded(broker, code, signal);
    });
    return broker;
  });
  return {
    brokers,
    listening,
    async stop() {
      stopping = true;
      await Promise.all(children.map(stopChild));
    },
  };
}

/** At least "info": that is how a broker says that it listens. */
function brokerLogLevel(env: LocalClusterOptions['env']): string {
  return logLevel(env) === 'debug' ? 'debug' : 'info';
}

function launcher(): string {
  return fileURLToPath(new URL('../../../bin/bellwether', import.meta.url));
}

function splitLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  child.kill('SIGTERM');
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
  }, STOP_GRACE_MS);
  await ended;
  clearTimeout(timer);
}
