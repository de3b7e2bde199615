/** What `bellwether up` tells a person: who leads what, what is not as it should be, what to try next. */

import type { BrokerDescription, ClusterMetadata } from '../client/index.js';
import { DEFAULT_BOOTSTRAP } from '../config.js';
import { BellwetherError } from '../errors.js';
import { type BrokerEnd, saysNoMember } from './broker-end.js';
import type { CliIo } from './io.js';
import type { LocalBroker, LocalCluster } from './local-cluster.js';
import { print } from './output.js';
import { partitionSection } from './topic-report.js';

const PROGRAM = 'node bin/bellwether';

/** A local cluster that has come up, and what is known of it. */
export interface UpState {
  readonly cluster: Pick<LocalCluster, 'brokers' | 'running' | 'waiting'>;
  readonly metadata: ClusterMetadata;
  /** Who else is a member, and where; empty when that could not be learned. */
  readonly members: readonly Pick<BrokerDescription, 'id' | 'peerAddress'>[];
  /** Brokers that ended during the start. */
  readonly ends: ReadonlyMap<string, BrokerEnd>;
}

/** Prints the cluster as it has come up. `topic` is the one to show things with. */
export async function introduce(io: CliIo, state: UpState, topic: string | undefined): Promise<void> {
  const { cluster, metadata } = state;
  const brokers = cluster.running.map(({ id, address, pid }) => `  ${id}  ${address}  pid ${String(pid)}`);
  await io.stdout.write(
    `Cluster ${metadata.clusterId} is up; ${metadata.controller ?? 'nobody'} leads its metadata.\n` +
      `${[...brokers, ...notices(state)].join('\n')}\n\n`,
  );
  if (metadata.topics.length > 0) {
    await print(io.stdout, 'table', { document: undefined, sections: [partitionSection(metadata.topics)] });
  }
  await io.stdout.write(`\n${nextSteps(state, topic)}\nCtrl-C stops the cluster.\n`);
}

/** What is not as it should be, or not as it was at the last start. */
export function notices(state: UpState): string[] {
  const { cluster, metadata } = state;
  const absent = metadata.brokers.filter(({ alive }) => !alive).map(({ id }) => absentText(state, id));
  const leaderless = metadata.topics.flatMap(({ topic, partitions }) =>
    partitions.filter(({ leader }) => leader === undefined).map(({ partition }) => `${topic}/${partition}`),
  );
  return [
    ...[...state.ends].flatMap(([id, end]) => endedText(state, id, end) ?? []),
    ...cluster.brokers.filter(({ id }) => cluster.waiting.has(id)).map(waitingText),
    ...absent,
    ...(leaderless.length === 0 ? [] : [`Warning: partitions without a leader: ${leaderless.join(', ')}`]),
  ];
}

/** Undefined for a member that does not run: that is told of all members alike. */
function endedText({ metadata }: UpState, id: string, end: BrokerEnd): string | undefined {
  const member = metadata.brokers.find((broker) => broker.id === id);
  if (member?.alive === true) return `${id} runs already, started by somebody else.`;
  if (member !== undefined) return undefined;
  if (saysNoMember(end)) return `${id} was removed from the cluster; its data folder is not used any more.`;
  return `${id} is no member and was not started: ${end.said ?? end.how}`;
}

function waitingText({ id, peerAddress }: LocalBroker): string {
  return `${id} is no member; to make it one: ${PROGRAM} broker add ${id}=${peerAddress}`;
}

function absentText({ cluster, metadata, members, ends }: UpState, id: string): string {
  if (cluster.running.some((broker) => broker.id === id)) {
    return `Warning: ${id} was started, and is not heard by the others`;
  }
  const said = ends.get(id)?.said;
  const args =
    cluster.brokers.find((broker) => broker.id === id)?.args ??
    serveArgs(
      id,
      metadata.brokers.find((broker) => broker.id === id)?.address ?? '',
      members.find((broker) => broker.id === id)?.peerAddress ?? '',
      cluster.running,
    );
  return (
    `Warning: ${id} is a member and does not run${said === undefined ? '' : ` (${said})`}: start it with\n` +
    `    ${PROGRAM} ${args.join(' ')}`
  );
}

/** How to start a broker of which the cluster knows the addresses, but not the folder. */
function serveArgs(
  id: string,
  address: string,
  peerAddress: string,
  running: readonly LocalBroker[],
): string[] {
  const peers = running.map((broker) => `${broker.id}=${broker.peerAddress}`).join(',');
  const or = (known: string): string => (known === '' ? 'HOST:PORT' : known);
  const where = ['--listen', or(address), '--peer-listen', or(peerAddress), '--peers', peers];
  return ['serve', '--join', '--id', id, ...where, '--data', 'ITS_DATA_FOLDER'];
}

function nextSteps(
  { cluster: { running }, metadata: { topics } }: UpState,
  named: string | undefined,
): string {
  const address = running[0]?.address ?? '';
  // On the ports of the default its commands find this cluster, whichever broker is gone.
  const isDefault = running.length === 0 || DEFAULT_BOOTSTRAP.split(',')[0] === address;
  const bootstrap = isDefault ? '' : ` --bootstrap ${address}`;
  if (topics.length === 0) return `Try next:\n  ${PROGRAM} topic create orders --partitions 3${bootstrap}`;
  const all = topics.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each })));
  const led = all.filter(({ leader }) => leader !== undefined);
  const shown = led.find(({ topic }) => topic === named) ?? led[0];
  if (shown?.leader === undefined) return `Try next:\n  ${PROGRAM} metadata${bootstrap}`;
  const { topic, partition, leader } = shown;
  const pid = running.find(({ id }) => id === leader)?.pid;
  // What is asked after the leader was killed must not be asked of the leader.
  const left = running.find(({ id }) => id !== leader)?.address ?? address;
  const elsewhere = DEFAULT_BOOTSTRAP.split(',').includes(left) && isDefault ? '' : ` --bootstrap ${left}`;
  return [
    'Try next, in another terminal:',
    `  echo hello | ${PROGRAM} produce ${topic} --partition ${partition}${bootstrap}`,
    `  ${PROGRAM} fetch ${topic} ${partition}${bootstrap}`,
    `  ${PROGRAM} failover ${topic} ${partition} --failed-leader ${leader}${bootstrap}`,
    `  ${PROGRAM} leader ${topic} ${partition}${elsewhere}   # then kill -9 that broker, and ask again`,
    ...(pid === undefined ? [] : [`  kill -9 ${String(pid)}   # ${leader}`]),
    `  ${PROGRAM} failovers --details${elsewhere}   # what happened, and where the time went`,
  ].join('\n');
}

/**
 * What the end of a broker means, and how to start it again. Nothing is said of a quorum: who is a member, and
 * whether brokers started elsewhere run, is not known here.
 */
export function lossText(broker: LocalBroker, end: BrokerEnd, running: readonly LocalBroker[]): string {
  const { id, args } = broker;
  if (saysNoMember(end)) return `${id} was removed from the cluster and has ended.`;
  const rest = running.length === 0 ? 'none' : running.map((each) => each.id).join(', ');
  return (
    `Broker ${id} ended (${end.how}); still running of those started here: ${rest}.\n` +
    'To start it again, in another terminal (stop it there too: this one will not):\n' +
    `  ${PROGRAM} ${args.join(' ')}`
  );
}

/** The end of the last broker; members that were started elsewhere may run on. */
export function noneLeft(): BellwetherError {
  return new BellwetherError('SHUTTING_DOWN', 'none of the brokers that this command started is left');
}
