/** What `bellwether up` tells a person: who leads what, what to try next, what the loss of a broker means. */

import type { ClusterMetadata } from '../client/index.js';
import { DEFAULT_BOOTSTRAP } from '../config.js';
import type { CliIo } from './io.js';
import type { LocalBroker, LocalCluster } from './local-cluster.js';
import { print } from './output.js';
import { partitionSection } from './topic-report.js';

const PROGRAM = 'node bin/bellwether';

/** Prints the cluster as it has come up. `topic` is the one to show things with. */
export async function introduce(
  io: CliIo,
  cluster: LocalCluster,
  metadata: ClusterMetadata,
  topic: string | undefined,
): Promise<void> {
  const brokers = cluster.brokers.map(({ id, address, pid }) => `  ${id}  ${address}  pid ${String(pid)}`);
  await io.stdout.write(
    `Cluster ${metadata.clusterId} is up; ${metadata.controller ?? 'nobody'} leads its metadata.\n` +
      `${brokers.join('\n')}\n\n`,
  );
  if (metadata.topics.length > 0) {
    await print(io.stdout, 'table', { document: undefined, sections: [partitionSection(metadata.topics)] });
  }
  await io.stdout.write(`\n${nextSteps(cluster, metadata, topic)}\nCtrl-C stops the cluster.\n`);
}

function nextSteps(
  { brokers }: LocalCluster,
  { topics }: ClusterMetadata,
  named: string | undefined,
): string {
  const address = brokers[0]?.address ?? DEFAULT_BOOTSTRAP;
  const bootstrap = address === DEFAULT_BOOTSTRAP ? '' : ` --bootstrap ${address}`;
  const topic = topics.find((each) => each.topic === named) ?? topics[0];
  const leader = topic?.partitions[0]?.leader;
  if (topic === undefined || leader === undefined) {
    return `Try next:\n  ${PROGRAM} topic create orders --partitions 3${bootstrap}`;
  }
  const pid = brokers.find(({ id }) => id === leader)?.pid;
  return [
    'Try next, in another terminal:',
    `  echo hello | ${PROGRAM} produce ${topic.topic} --partition 0${bootstrap}`,
    `  ${PROGRAM} fetch ${topic.topic} 0${bootstrap}`,
    `  ${PROGRAM} failover ${topic.topic} 0 --failed-leader ${leader}${bootstrap}`,
    `  ${PROGRAM} leader ${topic.topic} 0${bootstrap}   # then kill -9 that broker, and ask again`,
    ...(pid === undefined ? [] : [`  kill -9 ${String(pid)}   # ${leader}`]),
  ].join('\n');
}

/** What the end of a broker means for the cluster, and how to start it again. */
export function lossText(broker: LocalBroker, how: string, left: number, all: number): string {
  const quorum = Math.floor(all / 2) + 1;
  const rest =
    left >= quorum
      ? 'the others go on.'
      : `of the brokers started here ${String(left)} of ${String(all)} run: no quorum, so reads only until more are back.`;
  return (
    `Broker ${broker.id} ended (${how}); ${rest}\n` +
    'To start it again, in another terminal (stop it there too: this one will not):\n' +
    `  ${PROGRAM} ${broker.args.join(' ')}`
  );
}
