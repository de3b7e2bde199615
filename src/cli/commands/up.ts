/** `bellwether up`: a local cluster of broker processes, until Ctrl-C. */

import { type Command, InvalidArgumentError } from 'commander';
import type { BellwetherClient, ClusterMetadata } from '../../client/index.js';
import { LOCAL_CLUSTER } from '../../config.js';
import { BellwetherError } from '../../errors.js';
import { integer, nonEmpty, PARTITIONS_MAX } from '../arguments.js';
import { type BrokerEnd, saysNoMember, startFailed } from '../broker-end.js';
import type { CliIo } from '../io.js';
import { LEADER_BALANCE, onOrOff } from '../leader-balance.js';
import { furtherBrokers, type LocalCluster, startLocalCluster } from '../local-cluster.js';
import { stopSignal } from '../stop-signal.js';
import { introduce, lossText, noneLeft, type UpState } from '../up-report.js';

/** How long the cluster may take until every broker serves. */
const START_TIMEOUT_MS = 30_000;
/** How long its partitions may take then to elect leaders. */
const ELECT_TIMEOUT_MS = 10_000;
const PORT_MAX = 65_000;

interface Topic {
  readonly name: string;
  readonly partitions: number;
}

interface Flags {
  readonly brokers: number;
  readonly port: number;
  readonly peerPort: number;
  readonly data: string;
  readonly topic?: Topic;
  readonly leaderBalance?: 'on' | 'off';
  readonly leaderBalanceCoolDownMs?: number;
}

export function addUpCommand(program: Command, io: CliIo): void {
  const { brokers, clientPort, peerPort, data } = LOCAL_CLUSTER;
  program
    .command('up')
    .description('Run a local cluster, one process for each broker, until Ctrl-C.')
    .option('--brokers <n>', 'number of brokers: 1 to 7', integer(1, 7), brokers)
    .option('--port <n>', 'port of the first broker for clients', integer(1, PORT_MAX), clientPort)
    .option('--peer-port <n>', 'port of the first broker for the others', integer(1, PORT_MAX), peerPort)
    .option('--data <dir>', 'folder for the data', nonEmpty, data)
    .option('--topic <name[:partitions]>', 'topic to create unless it exists', topicFlag)
    .option('--leader-balance <on|off>', LEADER_BALANCE.help, onOrOff)
    .option('--leader-balance-cool-down-ms <ms>', LEADER_BALANCE.coolDownHelp, integer(0, 3_600_000))
    .action((flags: Flags, command: Command) => {
      if (Math.abs(flags.port - flags.peerPort) < flags.brokers) {
        command.error(`error: --port and --peer-port overlap: each broker takes one port of both ranges`);
      }
      return up(io, flags);
    });
}

/** The first failure of the cluster, for whoever waits. */
class Failure {
  readonly #abort = new AbortController();
  readonly happened: Promise<never>;

  constructor() {
    this.happened = new Promise((_, reject) => {
      this.#abort.signal.addEventListener('abort', () => reject(this.#abort.signal.reason as Error));
    });
    this.happened.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  report(error: Error): void {
    this.#abort.abort(error);
  }
}

async function up(io: CliIo, flags: Flags): Promise<void> {
  const say = (line: string): Promise<void> => io.stdout.write(`${line}\n`);
  const stop = stopSignal();
  const failure = new Failure();
  let started = false;
  const ends = new Map<string, BrokerEnd>();
  const cluster = startLocalCluster({
    brokerCount: flags.brokers,
    further: await furtherBrokers(flags.data, flags.brokers, Math.abs(flags.port - flags.peerPort)),
    host: LOCAL_CLUSTER.host,
    clientPort: flags.port,
    peerPort: flags.peerPort,
    data: flags.data,
    serveArgs: serveArgs(flags),
    env: io.env,
    onLine: (broker, line) => {
      if (started && (!line.startsWith('{') || line.includes('"level":50'))) {
        void io.stderr.write(`${broker}: ${line}\n`);
      }
    },
    onEnded: (broker, end) => {
      if (started) void say(lossText(broker, end, cluster.running));
      else ends.set(broker.id, end);
      // The cluster may have grown and shrunk since the last start: it must not need all who began it.
      const isMissed = !started && !broker.isFurther && !saysNoMember(end);
      if (isMissed || (!started && cluster.running.length === 0)) failure.report(startFailed(broker.id, end));
      if (cluster.running.length === 0) failure.report(noneLeft());
    },
  });
  try {
    const ready = prepare(cluster, ends, flags.topic, failure.signal);
    const first = await Promise.race([ready, stop.received, failure.happened]);
    if (typeof first !== 'string') {
      started = true;
      await introduce(io, first, flags.topic?.name);
      await Promise.race([stop.received, failure.happened]);
    }
    await say('Stopping.');
  } finally {
    failure.report(new BellwetherError('SHUTTING_DOWN', 'the cluster is stopping'));
    await cluster.stop();
    stop.dispose();
  }
}

/**
 * Waits until every broker of this cluster listens, then until the cluster has started, and creates the topic
 * that was asked for. The addresses are asked only when our own brokers listen there: before, another cluster
 * may answer.
 */
async function prepare(
  cluster: LocalCluster,
  ends: ReadonlyMap<string, BrokerEnd>,
  topic: Topic | undefined,
  aborted: AbortSignal,
): Promise<UpState> {
  await cluster.listening;
  const [{ clusterStarted, partitionsLed }, { connect }] = await Promise.all([
    import('../cluster-start.js'),
    import('../../client/index.js'),
  ]);
  const members = () => cluster.running.filter(({ id }) => !cluster.waiting.has(id));
  const first = await clusterStarted({ members, aborted, timeoutMs: START_TIMEOUT_MS });
  for (const [id, end] of ends) refuseStart(cluster, first, id, end);
  const client = await connect({ brokers: members().map(({ address }) => address) });
  try {
    if (topic !== undefined) await ensureTopic(client, topic);
    const metadata = await partitionsLed(client, { members, aborted, timeoutMs: ELECT_TIMEOUT_MS }, first);
    const listed = await client.admin.listBrokers().catch(() => []);
    return { cluster, metadata, members: listed, ends };
  } finally {
    await client.close();
  }
}

/** What every broker is told besides who and where it is. */
function serveArgs({ leaderBalance, leaderBalanceCoolDownMs: coolDownMs }: Flags): string[] {
  const args = leaderBalance === undefined ? [] : ['--leader-balance', leaderBalance];
  return coolDownMs === undefined ? args : [...args, '--leader-balance-cool-down-ms', String(coolDownMs)];
}

/** @throws BellwetherError when a broker that the cluster began with ended, though it is a member. */
function refuseStart({ brokers }: LocalCluster, metadata: ClusterMetadata, id: string, end: BrokerEnd): void {
  const isFurther = brokers.some((broker) => broker.id === id && broker.isFurther);
  const isMember = metadata.brokers.some((broker) => broker.id === id);
  if (isMember && !isFurther) throw startFailed(id, end);
}

async function ensureTopic(client: BellwetherClient, { name, partitions }: Topic): Promise<void> {
  try {
    await client.admin.createTopic(name, { partitions });
  } catch (error) {
    if (!(error instanceof BellwetherError) || error.reason !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

function topicFlag(text: string): Topic {
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,9}))?$/.exec(text);
  const partitions = Number(match?.[2] ?? 1);
  if (match?.[1] === undefined || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new InvalidArgumentError(
      `It must be NAME or NAME:PARTITIONS, with 1 to ${PARTITIONS_MAX} partitions.`,
    );
  }
  return { name: match[1], partitions };
}
