/** `bellwether up`: a local cluster of broker processes, until Ctrl-C. */

import { type Command, InvalidArgumentError } from 'commander';
import type { BellwetherClient, ClusterMetadata } from '../../client/index.js';
import { LOCAL_CLUSTER } from '../../config.js';
import { BellwetherError, isReason } from '../../errors.js';
import { integer, nonEmpty } from '../arguments.js';
import type { CliIo } from '../io.js';
import { type LocalBroker, type LocalCluster, startLocalCluster } from '../local-cluster.js';
import { stopSignal } from '../stop-signal.js';
import { introduce, lossText } from '../up-report.js';

/** How long the cluster may take until every broker serves. */
const START_TIMEOUT_MS = 30_000;
/** Pause between two looks at a cluster that starts. */
const LOOK_MS = 50;
/** Bound of one look. */
const LOOK_TIMEOUT_MS = 1_000;
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
  let left = flags.brokers;
  const lastLines = new Map<string, string>();
  const cluster = startLocalCluster({
    brokerCount: flags.brokers,
    host: LOCAL_CLUSTER.host,
    clientPort: flags.port,
    peerPort: flags.peerPort,
    data: flags.data,
    env: io.env,
    onLine: (broker, line) => {
      if (line.startsWith('bellwether: ')) lastLines.set(broker, line);
      if (started && (!line.startsWith('{') || line.includes('"level":50'))) {
        void io.stderr.write(`${broker}: ${line}\n`);
      }
    },
    onEnded: (broker, code, signal) => {
      left -= 1;
      if (!started) failure.report(startFailed(broker, lastLines.get(broker.id)));
      else void say(lossText(broker, signal ?? `exit code ${String(code)}`, left, flags.brokers));
      if (left === 0)
        failure.report(new BellwetherError('SHUTTING_DOWN', 'no broker of this cluster is left'));
    },
  });
  const { connect } = await import('../../client/index.js');
  const client = await connect({ brokers: cluster.brokers.map(({ address }) => address) });
  try {
    const ready = prepare(client, cluster, flags.topic, failure.signal);
    const first = await Promise.race([ready, stop.received, failure.happened]);
    if (typeof first !== 'string') {
      started = true;
      await introduce(io, cluster, first, flags.topic?.name);
      await Promise.race([stop.received, failure.happened]);
    }
    await say('Stopping.');
  } finally {
    failure.report(new BellwetherError('SHUTTING_DOWN', 'the cluster is stopping'));
    await client.close();
    await cluster.stop();
    stop.dispose();
  }
}

/**
 * Waits until every broker of this cluster listens, then until each hears all others and every partition
 * is led, and creates the topic that was asked for. The addresses are asked only when our own brokers
 * listen there: before, another cluster may answer. A topic is created only when all hear each other, so
 * that its preferred leaders are elected.
 */
async function prepare(
  client: BellwetherClient,
  cluster: LocalCluster,
  topic: Topic | undefined,
  aborted: AbortSignal,
): Promise<ClusterMetadata> {
  await cluster.listening;
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  const look = async (condition: (metadata: ClusterMetadata) => boolean, one: BellwetherClient) => {
    for (;;) {
      const metadata = await one.metadata([], { timeoutMs: LOOK_TIMEOUT_MS }).catch(() => undefined);
      if (aborted.aborted) throw aborted.reason;
      if (metadata !== undefined && condition(metadata)) return metadata;
      if (performance.now() > deadlineMs) {
        throw new BellwetherError('NO_LEADER', 'the cluster did not start: not all brokers hear each other');
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  await Promise.all(
    cluster.brokers.map(({ address }) => withClientOf(address, (one) => look(allAlive(cluster), one))),
  );
  if (topic !== undefined) await ensureTopic(client, topic);
  return look(allLed, client);
}

async function withClientOf<T>(address: string, work: (client: BellwetherClient) => Promise<T>): Promise<T> {
  const { connect } = await import('../../client/index.js');
  const client = await connect({ brokers: [address] });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

function allAlive(cluster: LocalCluster): (metadata: ClusterMetadata) => boolean {
  return ({ brokers }) => brokers.filter(({ alive }) => alive).length === cluster.brokers.length;
}

function allLed({ topics }: ClusterMetadata): boolean {
  return topics.every(({ partitions }) => partitions.every(({ leader }) => leader !== undefined));
}

async function ensureTopic(client: BellwetherClient, { name, partitions }: Topic): Promise<void> {
  try {
    await client.admin.createTopic(name, { partitions });
  } catch (error) {
    if (!(error instanceof BellwetherError) || error.reason !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

/** What the broker itself said, with its own reason. */
function startFailed({ id }: LocalBroker, line: string | undefined): BellwetherError {
  const [, reason = '', text = 'it said nothing'] = /^bellwether: ([A-Z_]+): (.*)$/.exec(line ?? '') ?? [];
  return new BellwetherError(isReason(reason) ? reason : 'INTERNAL', `broker ${id} did not start: ${text}`);
}

function topicFlag(text: string): Topic {
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  const partitions = Number(match?.[2] ?? 1);
  if (match?.[1] === undefined || partitions < 1) {
    throw new InvalidArgumentError('It must be NAME or NAME:PARTITIONS.');
  }
  return { name: match[1], partitions };
}
