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

/** Where a broker listens, each HOST:PORT. */
interface Addresses {
  readonly listen: string;
  readonly peerListen: string;
}

const FREE: Addresses = { listen: '127.0.0.1:0', peerListen: '127.0.0.1:0' };

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
  /** Starts one that was stopped or killed again, at its addresses and on its data; resolves once it takes part. */
  restart(): Promise<void>;
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
  const bound = new Map<string, BoundBroker>();
  const restarts = new Set<Promise<unknown>>();
  const close = async (): Promise<void> => {
    await Promise.allSettled(restarts);
    await Promise.all([...bound.values()].map((broker) => broker.close()));
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  const { failed, fail } = failure();
  try {
    for (const id of options.brokers) bound.set(id, await bindOne(id, data, options, fail));
    const peers = new Map([...bound.values()].map(({ id, peerAddress }) => [id, peerAddress]));
    const startAgain = async ({ id, address, peerAddress }: BoundBroker): Promise<RunningBroker> => {
      const again = failure();
      const broker = await bindOne(id, data, options, again.fail, {
        listen: address,
        peerListen: peerAddress,
      });
      bound.set(id, broker);
      const running = broker.start(peers);
      await Promise.race([running.ready, again.failed]);
      return running;
    };
    const brokers = [...bound.values()].map((broker) =>
      embeddedBroker(broker.start(peers), () => {
        const restart = startAgain(broker);
        restarts.add(restart);
        return restart.finally(() => restarts.delete(restart));
      }),
    );
    await Promise.race([Promise.all(brokers.map(({ ready }) => ready)), failed]);
    return { brokers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What tells that a broker cannot start; nobody need listen. */
function failure(): { readonly failed: Promise<never>; readonly fail: (error: BellwetherError) => void } {
  let fail: (error: BellwetherError) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  return { failed, fail };
}

function embeddedBroker(
  first: RunningBroker,
  startAgain: () => Promise<RunningBroker>,
): EmbeddedBroker & Pick<RunningBroker, 'ready'> {
  let broker = first;
  return {
    id: first.id,
    address: first.address,
    ready: first.ready,
    get links() {
      return broker.links;
    },
    async stop() {
      await broker.drain();
      await broker.close();
    },
    kill: () => broker.close(),
    async restart() {
      broker = await startAgain();
    },
  };
}

function bindOne(
  id: string,
  data: string,
  options: EmbeddedClusterOptions,
  fail: (error: BellwetherError) => void,
  at: Addresses = FREE,
): Promise<BoundBroker> {
  const log = options.log ?? ((): void => undefined);
  return bindBroker({
    config: {
      id,
      cluster: DEFAULT_CLUSTER_NAME,
      ...at,
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
