/**
 * Puts one broker together: data folder, journal, listeners, peers. The only place that makes adapters.
 *
 * In two steps, so that brokers which take free ports can tell each other where they listen.
 */

import { randomUUID } from 'node:crypto';
import { AdminServiceService, type AdminServiceServer } from '../../gen/bellwether/v1/admin_service.js';
import type { LogServiceServer } from '../../gen/bellwether/v1/log_service.js';
import {
  MetadataServiceService,
  type MetadataServiceServer,
} from '../../gen/bellwether/v1/metadata_service.js';
import { OffsetServiceService, type OffsetServiceServer } from '../../gen/bellwether/v1/offset_service.js';
import {
  PartitionServiceService,
  type PartitionServiceServer,
} from '../../gen/bellwether/v1/partition_service.js';
import type { RaftServiceServer } from '../../gen/bellwether/raft/v1/raft_service.js';
import { Broker } from '../broker/broker.js';
import { systemClock } from '../broker/clock.js';
import { LIMITS } from '../broker/limits.js';
import { PeerHandler } from '../broker/peer-handler.js';
import { hasFailed, isStopping } from '../broker/refusals.js';
import { register } from '../broker/registration.js';
import { type BrokerConfig, splitAddress } from '../config.js';
import type { BellwetherError } from '../errors.js';
import type { GroupId } from '../raft/types.js';
import { type DataDirectory, openDataDirectory } from '../storage/data-directory.js';
import { lockDirectory } from '../storage/directory-lock.js';
import type { RecoveredGroup } from '../storage/journal-replay.js';
import { Journal } from '../storage/journal.js';
import { createNodeFileSystem } from '../storage/node-file-system.js';
import { serverOptions } from '../wire/channel-options.js';
import { useNativeCrc32c } from '../wire/native-crc32c.js';
import type { OnDefect } from './adapt.js';
import { createGrpcServer, type GrpcServer } from './grpc-server.js';
import { adminHandlers } from './handlers/admin.js';
import { LOG_SERVICE, logHandlers } from './handlers/log.js';
import { metadataHandlers } from './handlers/metadata.js';
import { offsetHandlers } from './handlers/offset.js';
import { partitionHandlers } from './handlers/partition.js';
import { addHealthService, type HealthService } from './health.js';
import { PeerService, RAFT_SERVICE } from './peer-service.js';
import { GrpcPeerTransport } from './peer-transport.js';
import { addReflectionService } from './reflection.js';

/** How long calls in flight may go on when a broker stops. */
const CLOSE_GRACE_MS = 500;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface StartOptions {
  readonly config: Omit<BrokerConfig, 'peers' | 'join'>;
  /**
   * For a fresh data folder: the brokers of a new cluster, this one included, the preferred leader of the
   * metadata first; none to join an existing cluster. A folder that was used knows its own.
   */
  readonly bootstrap: readonly string[];
  readonly log: (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void;
  /** The broker cannot go on. */
  readonly onFatal: (error: BellwetherError) => void;
  /** Step in which journal files are extended; small for short-lived brokers. */
  readonly journalPreallocateBytes?: number;
}

/** A broker that listens but does not take part yet. */
export interface BoundBroker {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  /**
   * Joins the cluster. `peerAddresses` says where other brokers may be reached, as far as that is known, and
   * under which address this one is, if not the one where it listens.
   */
  start(peerAddresses: ReadonlyMap<string, string>): RunningBroker;
  close(): Promise<void>;
}

export interface RunningBroker {
  readonly id: string;
  readonly address: string;
  readonly broker: Broker;
  /** Resolves once the broker stands in the cluster metadata and serves, or has failed before. */
  readonly ready: Promise<void>;
  /**
   * Hands over all that the broker leads, so that its clients notice nothing when it closes then. Calls go on
   * meanwhile. Resolves after 2 s at the latest, with the number of groups that nobody could take.
   */
  drain(): Promise<number>;
  /** Breaks and mends this broker's side of the link to another one, for tests of failures. */
  readonly links: { sever(peer: string): void; mend(peer: string): void };
  /** Leaves in order: no new calls, calls in flight ended, everything on disk. */
  close(): Promise<void>;
}

/**
 * Opens the data folder, recovers the journal and listens.
 *
 * @throws BellwetherError DATA_DIRECTORY_UNUSABLE, _IN_USE, _MISMATCH, STORAGE_CORRUPT, STORAGE_FAILED,
 * ADDRESS_UNAVAILABLE; nothing is left open then.
 */
export async function bindBroker(options: StartOptions): Promise<BoundBroker> {
  const { config, log } = options;
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  useNativeCrc32c();
  try {
    const storage = await openStorage(options, closers);
    const onWarning = (text: string): void => {
      log('warn', text);
    };
    const peers = createGrpcServer({ channelOptions: serverOptions('peer'), onWarning });
    closers.push(() => peers.close(CLOSE_GRACE_MS));
    const clients = createGrpcServer({ channelOptions: serverOptions('client'), onWarning });
    closers.push(() => clients.close(CLOSE_GRACE_MS));
    const peerAddress = await bindTo(peers, config.peerListen);
    // Last, and the services are added in the same turn: no call finds a server without them.
    const address = await bindTo(clients, config.listen);
    const advertised = config.advertise ?? address;
    return {
      ...assemble(options, storage, { peers, clients }, { advertised, peerAddress }, close),
      address,
      peerAddress,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Storage {
  readonly freeBytes: () => Promise<number>;
  readonly data: DataDirectory;
  readonly journal: Journal;
  readonly recovered: ReadonlyMap<GroupId, RecoveredGroup>;
}

async function openStorage(options: StartOptions, closers: (() => Promise<void>)[]): Promise<Storage> {
  const { config, journalPreallocateBytes } = options;
  const fileSystem = createNodeFileSystem();
  const data = await openDataDirectory({
    fileSystem,
    directory: config.data,
    brokerId: config.id,
    clusterName: config.cluster,
    bootstrapVoters: options.bootstrap,
    newUuid: randomUUID,
    lock: lockDirectory,
  });
  closers.push(() => data.release());
  const { journal, groups } = await Journal.open({
    fileSystem,
    directory: data.journalDirectory,
    incarnation: data.incarnation,
    ballastBytes: LIMITS.ballastBytes,
    ...(journalPreallocateBytes !== undefined && { preallocateBytes: journalPreallocateBytes }),
  });
  closers.push(() => journal.close());
  const freeBytes = (): Promise<number> => fileSystem.freeBytes(config.data);
  return { data, journal, recovered: groups, freeBytes };
}

/** Listens, and returns where: with the port that was taken. */
async function bindTo(server: GrpcServer, address: string): Promise<string> {
  const port = await server.bind(address);
  return `${splitAddress(address).host}:${String(port)}`;
}

function assemble(
  options: StartOptions,
  storage: Storage,
  servers: { readonly peers: GrpcServer; readonly clients: GrpcServer },
  { advertised, peerAddress }: { readonly advertised: string; readonly peerAddress: string },
  close: () => Promise<void>,
): Pick<BoundBroker, 'id' | 'start'> {
  const { config, log, onFatal } = options;
  const { id, rack, leaderBalance, retentionCheckMs, diskReserveBytes } = config;
  const { bootstrapVoters: bootstrap, incarnation } = storage.data;
  const transport = new GrpcPeerTransport();
  /** Filled at the start: brokers that take free ports are bound before anybody knows where. */
  const peerAddresses = new Map<string, string>();
  /** Peers must take a broker that cannot go on for dead, even when its process lives on. */
  const cutOff = (): void => {
    transport.close();
    service.close();
  };
  const broker = new Broker(
    {
      ...{ id, bootstrap, peerAddresses, peerAddress, incarnation, address: advertised, rack },
      ...{ leaderBalance, retentionCheckMs, diskReserveBytes },
    },
    {
      clock: systemClock,
      journal: storage.journal,
      freeBytes: storage.freeBytes,
      recovered: storage.recovered,
      transport,
      log: (message, facts, level = 'debug') => {
        log(level, message, facts);
      },
      onServing: (serving) => {
        health.setServing(serving);
      },
      onFatal: (error) => {
        broker.leadership.watches.end(hasFailed(id, error));
        broker.streams.fail(hasFailed(id, error));
        cutOff();
        onFatal(error);
      },
    },
  );
  const onDefect = (error: unknown): void => {
    log('error', 'a defect', { error: error instanceof Error ? error.stack : String(error) });
  };
  const events = new PeerHandler(broker);
  const service = new PeerService({
    events,
    onDefect,
    onHeard: (peer) => {
      transport.heard(peer);
    },
  });
  servers.peers.addService<RaftServiceServer>(RAFT_SERVICE, service.handlers);
  const health = addPublicServices(servers.clients, broker, onDefect);
  servers.clients.onClose(() => {
    health.close();
    broker.leadership.watches.end(isStopping(id));
    broker.streams.stop(isStopping(id));
  });
  servers.peers.onClose(() => {
    broker.stop();
    cutOff();
  });

  return {
    id,
    start(addressBook) {
      for (const [peer, peerAt] of addressBook) peerAddresses.set(peer, peerAt);
      broker.start();
      transport.start(events, service);
      broker.peers.start();
      const ready = register(broker).then(() => {
        broker.readiness.look();
      });
      const drain = async (): Promise<number> => (await broker.departure.run(LIMITS.drainMsMax)).length;
      return { id, address: advertised, broker, ready, drain, links: transport, close };
    },
  };
}

function addPublicServices(clients: GrpcServer, broker: Broker, onDefect: OnDefect): HealthService {
  clients.addService<PartitionServiceServer>(PartitionServiceService, partitionHandlers(broker, onDefect));
  clients.addService<MetadataServiceServer>(MetadataServiceService, metadataHandlers(broker, onDefect));
  clients.addService<LogServiceServer>(LOG_SERVICE, logHandlers(broker, onDefect));
  clients.addService<OffsetServiceServer>(OffsetServiceService, offsetHandlers(broker, onDefect));
  clients.addService<AdminServiceServer>(AdminServiceService, adminHandlers(broker, onDefect));
  addReflectionService(clients.server);
  return addHealthService(clients.server);
}
