/** `bellwether up`: a local cluster of broker processes, until Ctrl-C. */

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { BellwetherClient, ClusterMetadata } from '../../client/index.js';
import { LOCAL_CLUSTER } from '../../config.js';
import { BellwetherError } from '../../errors.js';
import { integer, nonEmpty } from '../arguments.js';
import type { CliIo } from '../io.js';
import { type LocalBroker, type LocalCluster, startLocalCluster } from '../local-cluster.js';
import { print } from '../output.js';
import { stopSignal } from '../stop-signal.js';
import { partitionSection } from '../topic-report.js';

/** How long the cluster may take until every broker serves. */
const START_TIMEOUT_MS = 30_000;
/** Pause between two looks at a cluster that starts. */
const LOOK_MS = 50;
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
    .action((flags: Flags) => up(io, flags));
}

async function up(io: CliIo, flags: Flags): Promise<void> {
  const say = (line: string): Promise<void> => io.stdout.write(`${line}\n`);
  const stop = stopSignal();
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  let started = false;
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
      if (!line.startsWith('{') || line.includes('"level":50')) void io.stderr.write(`${broker}: ${line}\n`);
    },
    onEnded: (broker, code, signal) => {
      if (!started) fail(startFailed(broker, lastLines.get(broker.id)));
      else void say(endedText(broker, code, signal));
    },
  });
  const { connect } = await import('../../client/index.js');
  const client = await connect({ brokers: cluster.brokers.map(({ address }) => address) });
  try {
    const ready = prepare(client, cluster, flags.topic);
    const first = await Promise.race([ready, stop.received, failed]);
    started = true;
    if (typeof first !== 'string') {
      await introduce(io, cluster, first);
      await stop.received;
    }
    await say('Stopping.');
  } finally {
    await client.close();
    await cluster.stop();
    stop.dispose();
  }
}

/** Waits until every broker serves and every partition is led, and creates the topic that was asked for. */
async function prepare(
  client: BellwetherClient,
  cluster: LocalCluster,
  topic: Topic | undefined,
): Promise<ClusterMetadata> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  const look = (): Promise<ClusterMetadata | undefined> =>
    client.metadata([], { timeoutMs: 1_000 }).catch(() => undefined);
  let created = topic === undefined;
  for (;;) {
    const metadata = await look();
    const alive = metadata?.brokers.filter((broker) => broker.alive).length ?? 0;
    if (metadata !== undefined && alive === cluster.brokers.length) {
      if (!created && topic !== undefined) {
        await ensureTopic(client, topic);
        created = true;
        continue;
      }
      const led = metadata.topics.every(({ partitions }) =>
        partitions.every(({ leader }) => leader !== undefined),
      );
      if (led) return metadata;
    }
    if (performance.now() > deadlineMs) {
      throw new BellwetherError('NO_LEADER', `the cluster did not start: ${String(alive)} brokers are alive`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function ensureTopic(client: BellwetherClient, { name, partitions }: Topic): Promise<void> {
  try {
    await client.admin.createTopic(name, { partitions });
  } catch (error) {
    if (!(error instanceof BellwetherError) || error.reason !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

async function introduce(io: CliIo, cluster: LocalCluster, metadata: ClusterMetadata): Promise<void> {
  const brokers = cluster.brokers.map(({ id, address, pid }) => `  ${id}  ${address}  pid ${String(pid)}`);
  await io.stdout.write(
    `Cluster ${metadata.clusterId} is up; ${metadata.controller ?? 'nobody'} leads its metadata.\n` +
      `${brokers.join('\n')}\n\n`,
  );
  if (metadata.topics.length > 0) {
    await print(io.stdout, 'table', { document: undefined, sections: [partitionSection(metadata.topics)] });
  }
  await io.stdout.write(`\n${nextSteps(cluster, metadata)}\nCtrl-C stops the cluster.\n`);
}

function nextSteps({ brokers }: LocalCluster, { topics }: ClusterMetadata): string {
  const topic = topics[0];
  const first = topic?.partitions[0];
  const bootstrap =
    brokers[0]?.address === '127.0.0.1:7001' ? '' : ` --bootstrap ${brokers[0]?.address ?? ''}`;
  const cli = 'node bin/bellwether';
  if (topic === undefined || first?.leader === undefined) {
    return `Try next:\n  ${cli} topic create orders --partitions 3${bootstrap}`;
  }
  return [
    'Try next:',
    `  echo hello | ${cli} produce ${topic.topic} --partition 0${bootstrap}`,
    `  ${cli} fetch ${topic.topic} 0${bootstrap}`,
    `  ${cli} failover ${topic.topic} 0 --failed-leader ${first.leader}${bootstrap}`,
    `  kill -9 ${String(brokers.find(({ id }) => id === first.leader)?.pid)}   # then: ${cli} leader ${topic.topic} 0${bootstrap}`,
  ].join('\n');
}

function startFailed({ id }: LocalBroker, line: string | undefined): BellwetherError {
  const text = line?.replace(/^bellwether: /, '') ?? 'it said nothing';
  return new BellwetherError('ADDRESS_UNAVAILABLE', `broker ${id} did not start: ${text}`);
}

function endedText(broker: LocalBroker, code: number | null, signal: NodeJS.Signals | null): string {
  const how = signal ?? `exit code ${String(code)}`;
  return `Broker ${broker.id} ended (${how}); the others go on. To start it again:\n  node bin/bellwether ${broker.args.join(' ')}`;
}

function topicFlag(text: string): Topic {
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  const partitions = Number(match?.[2] ?? 1);
  if (match?.[1] === undefined || partitions < 1) {
    throw new InvalidArgumentError('It must be NAME or NAME:PARTITIONS.');
  }
  return { name: match[1], partitions };
}
