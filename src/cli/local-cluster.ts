/** Brokers of a local cluster as processes of their own: starts them, watches them, ends them. */

import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logLevel } from '../config.js';
import type { BrokerEnd } from './broker-end.js';
import { spawnBroker, stopBroker } from './broker-process.js';

/** How a broker's log says that it listens, that the cluster does not have it yet, and that it does. */
const LISTENING = '"msg":"listening"';
const WAITING = '"msg":"waiting to be added to the cluster"';
const SERVING = '"msg":"serving"';
/** How the program begins what it says when it fails. */
const FAILED = 'bellwether: ';

export interface LocalClusterOptions {
  /** The cluster begins with n1, n2, ... */
  readonly brokerCount: number;
  /** Numbers of brokers that have been added since, and have a folder here. */
  readonly further: readonly number[];
  readonly host: string;
  /** Port of the first broker for clients, and for the other brokers; each next one is one higher. */
  readonly clientPort: number;
  readonly peerPort: number;
  /** Folder that holds a folder for each broker. */
  readonly data: string;
  /** Further arguments of every broker. */
  readonly serveArgs: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Each line that a broker prints. */
  readonly onLine: (broker: string, line: string) => void;
  /** A broker ended that was not told to. It runs no more when this is called. */
  readonly onEnded: (broker: LocalBroker, end: BrokerEnd) => void;
}

export interface LocalBroker {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  /** Arguments that start it again, behind `bellwether`. */
  readonly args: readonly string[];
  readonly pid: number | undefined;
  /** It was added after the cluster had begun. */
  readonly isFurther: boolean;
}

export interface LocalCluster {
  /** All that were started. */
  readonly brokers: readonly LocalBroker[];
  /** Those whose processes have not ended. */
  readonly running: readonly LocalBroker[];
  /** Names of brokers that run and have said that they wait to be added. */
  readonly waiting: ReadonlySet<string>;
  /** Resolves once every broker listens on its ports, or has ended. */
  readonly listening: Promise<void>;
  /** Asks every broker to stop, and kills what has not stopped in time. */
  stop(): Promise<void>;
}

/** Numbers above `brokerCount` of the brokers that have used folders in `data`, up to `max`. */
export async function furtherBrokers(data: string, brokerCount: number, max: number): Promise<number[]> {
  const found = await Promise.all(
    (await namesIn(data)).map(async (name) => {
      const number = Number(/^n([1-9]\d{0,3})$/.exec(name)?.[1] ?? 0);
      if (number <= brokerCount || number > max) return [];
      return (await namesIn(join(data, name))).includes('broker.json') ? [number] : [];
    }),
  );
  return found.flat().sort((a, b) => a - b);
}

/** Nothing where there is no folder that can be read: a broker that needs it will say so. */
function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

export function startLocalCluster(options: LocalClusterOptions): LocalCluster {
  const first = Array.from({ length: options.brokerCount }, (_, i) => i + 1);
  const peers = first.map((number) => `n${number}=${peerAddressOf(options, number)}`).join(',');
  const children = new Map<string, ChildProcess>();
  const ended = new Set<string>();
  const waiting = new Set<string>();
  let stopping = false;
  const silent = new Set([...first, ...options.further].map((number) => `n${number}`));
  let allListen: () => void = () => undefined;
  const listening = new Promise<void>((resolve) => {
    allListen = resolve;
  });
  const heard = (id: string): void => {
    if (silent.delete(id) && silent.size === 0) allListen();
  };
  const start = (number: number, isFurther: boolean): LocalBroker => {
    const planned = plan(options, number, isFurther ? [peers, '--join'] : [peers]);
    const { id, args } = planned;
    let said: string | undefined;
    const env = { ...options.env, BELLWETHER_LOG: brokerLogLevel(options.env) };
    const child = spawnBroker(args, env, (line) => {
      if (line.includes(LISTENING)) heard(id);
      if (line.includes(WAITING)) waiting.add(id);
      if (line.includes(SERVING)) waiting.delete(id);
      if (line.startsWith(FAILED)) said = line.slice(FAILED.length);
      options.onLine(id, line);
    });
    children.set(id, child);
    const broker = { ...planned, pid: child.pid, isFurther };
    // "close" comes when all that it printed has been read, so that what it said last is known.
    child.once('close', (code, signal) => {
      ended.add(id);
      waiting.delete(id);
      if (!stopping) options.onEnded(broker, { how: signal ?? `exit code ${String(code)}`, said });
      heard(id);
    });
    return broker;
  };
  const brokers = [
    ...first.map((number) => start(number, false)),
    ...options.further.map((number) => start(number, true)),
  ];
  return {
    brokers,
    get running() {
      return brokers.filter(({ id }) => !ended.has(id));
    },
    waiting,
    listening,
    async stop() {
      stopping = true;
      await Promise.all([...children.values()].map(stopBroker));
    },
  };
}

function peerAddressOf({ host, peerPort }: LocalClusterOptions, number: number): string {
  return `${host}:${peerPort + number - 1}`;
}

function plan(
  options: LocalClusterOptions,
  number: number,
  peers: readonly string[],
): Pick<LocalBroker, 'id' | 'address' | 'peerAddress' | 'args'> {
  const id = `n${number}`;
  const address = `${options.host}:${options.clientPort + number - 1}`;
  const peerAddress = peerAddressOf(options, number);
  const args = ['serve', '--id', id, '--listen', address, '--peer-listen', peerAddress];
  args.push('--peers', ...peers, '--data', join(options.data, id), ...options.serveArgs);
  return { id, address, peerAddress, args };
}

/** At least "info": that is how a broker says that it listens. */
function brokerLogLevel(env: LocalClusterOptions['env']): string {
  return logLevel(env) === 'debug' ? 'debug' : 'info';
}
