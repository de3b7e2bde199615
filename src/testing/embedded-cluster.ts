/**
 * A whole cluster in this process: a real broker for every name, each with its own gRPC ports on
 * loopback and its own journal in a temporary folder.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_CLUSTER_NAME, type LeaderBalanceConfig } from '../config.js';
import type { BellwetherError } from '../errors.js';
import { bindBroker, type BoundBroker, type LogLevel, type RunningBroker } from '../rpc/start-broker.js';

/** The brokers live for minutes and write little: short files start faster. */
const PREALLOCATE_BYTES = 262_144;

export interface EmbeddedClusterOptions {
  /** Names of the brokers, in order: the first leads the first partition of the first topic. */
  readonly brokers: readonly string[];
  /** Folder for the data, kept afterwards. Default: a temporary one, removed by `close`. */
  readonly data?: string;
  /** When partitions go back to their preferred leaders. Default: as `bellwether serve`. */
  readonly leaderBalance?: LeaderBalanceConfig;
  /** Pause between two looks for records that are past their retention, in milliseconds. Default: as `bellwether serve`. */
  readonly retentionCheckMs?: number;
  readonly log?: (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void;
}

export interface EmbeddedBroker {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** Stops this one in order, as SIGTERM does: hands over what it leads, and ends. */
  stop(): Promise<void>;
  /** Stops this one without handing over what it leads. */
  kill(): Promise<void>;
  /** This one's side of the links to the others. */
  readonly links: RunningBroker['links'];
}

export interface EmbeddedCluster {
  readonly brokers: readonly EmbeddedBroker[];
  /** Stops all brokers and removes the temporary folder. */
  close(): Promise<void>;
}

/**
 * Starts the cluster; resolves once every broker stands in the cluster metadata.
 *
 * @throws BellwetherError when a broker cannot start; nothing is left behind then.
 */
export async function startEmbeddedCluster(options: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
  const temporary = options.data === undefined ? await mkdtemp(join(tmpdir(), 'bellwether-')) : undefined;
  const data = options.data ?? temporary ?? '';
  const bound: BoundBroker[] = [];
  let fail: (error: BellwetherError) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const close = async (): Promise<void> => {
    await Promise.all(bound.map((broker) => broker.close()));
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    for (const id of options.brokers) bound.push(await bindOne(id, data, options, fail));
    const peers = new Map(bound.map((broker) => [broker.id, broker.peerAddress]));
    const running: RunningBroker[] = bound.map((broker) => broker.start(peers));
    await Promise.race([Promise.all(running.map((broker) => broker.ready)), failed]);
    return { brokers: running.map(embeddedBroker), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function embeddedBroker(broker: RunningBroker): EmbeddedBroker {
  const { id, address, links } = broker;
  const stop = async (): Promise<void> => {
    await broker.drain();
    await broker.close();
  };
  return { id, address, stop, links, kill: () => broker.close() };
}

function bindOne(
  id: string,
  data: string,
  options: EmbeddedClusterOptions,
  fail: (error: BellwetherError) => void,
): Promise<BoundBroker> {
  const log = options.log ?? ((): void => undefined);
  return bindBroker({
    config: {
      id,
      cluster: DEFAULT_CLUSTER_NAME,
      listen: '127.0.0.1:0',
      peerListen: '127.0.0.1:0',
      advertise: undefined,
      data: join(data, id),
      rack: '',
      leaderBalance: options.leaderBalance,
      retentionCheckMs: options.retentionCheckMs,
    },
    bootstrap: options.brokers,
    log,
    onFatal: (error: BellwetherError) => {
      log('error', `broker ${id} failed: ${error.message}`, { reason: error.reason });
      fail(error);
    },
    journalPreallocateBytes: PREALLOCATE_BYTES,
  });
}
