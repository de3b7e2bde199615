/** Waits until a local cluster has started, and tells what it has started as. */

import { type BellwetherClient, type ClusterMetadata, connect } from '../client/index.js';
import { BellwetherError } from '../errors.js';

/** Pause between two looks at a cluster that starts. */
const LOOK_MS = 50;
/** Bound of one look. */
const LOOK_TIMEOUT_MS = 1_000;

export interface Member {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
}

export interface StartingCluster {
  /** Brokers started here that run now and are, or may be, members. */
  readonly members: () => readonly Member[];
  /** Its reason is what a wait ends with. */
  readonly aborted: AbortSignal;
  /** Bound of each wait. */
  readonly timeoutMs: number;
}

/**
 * Waits until each of our brokers knows who leads the metadata and hears all others of ours; then a topic can
 * be created so that its preferred leaders are elected. One that the cluster has removed never gets there: it
 * ends, and is waited for no more. When time is up, a cluster whose metadata is led has started all the same.
 *
 * @throws BellwetherError NO_LEADER when nobody leads the metadata in time.
 */
export async function clusterStarted(starting: StartingCluster): Promise<ClusterMetadata> {
  const clients = new Map<string, BellwetherClient>();
  const view = async ({ address }: Member): Promise<ClusterMetadata | undefined> => {
    const client = clients.get(address) ?? (await connect({ brokers: [address] }));
    clients.set(address, client);
    return client.metadata([], { timeoutMs: LOOK_TIMEOUT_MS }).catch(() => undefined);
  };
  try {
    let known: ClusterMetadata | undefined;
    const complete = await repeat(starting, async () => {
      const members = starting.members();
      const views = await Promise.all(members.map(view));
      const led = views.filter((each) => each?.controller !== undefined);
      known = led[0] ?? views.find((each) => each !== undefined) ?? known;
      return members.length > 0 && views.every((each) => hearsAll(each, members));
    });
    if (known !== undefined && (complete || known.controller !== undefined)) return known;
    throw notStarted(known);
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()));
  }
}

/**
 * The cluster once every partition is led of which most replicas run. What is not led by the time limit is
 * told to the user; it does not keep the rest from being used.
 */
export async function partitionsLed(
  client: BellwetherClient,
  starting: StartingCluster,
  first: ClusterMetadata,
): Promise<ClusterMetadata> {
  let known = first;
  await repeat(starting, async () => {
    known = (await client.metadata([], { timeoutMs: LOOK_TIMEOUT_MS }).catch(() => undefined)) ?? known;
    return known.topics.every(({ partitions }) =>
      partitions.every((each) => each.leader !== undefined || !mostReplicasRun(each)),
    );
  });
  return known;
}

function mostReplicasRun(partition: ClusterMetadata['topics'][number]['partitions'][number]): boolean {
  return partition.offlineReplicas.length * 2 < partition.replicas.length;
}

function hearsAll(view: ClusterMetadata | undefined, members: readonly Member[]): boolean {
  if (view?.controller === undefined) return false;
  return members.every(({ id }) => view.brokers.some((broker) => broker.id === id && broker.alive));
}

/** Looks again and again until it sees what it waits for; false when time was up before. */
async function repeat(
  { aborted, timeoutMs }: StartingCluster,
  look: () => Promise<boolean>,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (aborted.aborted) throw aborted.reason;
    if (seen) return true;
    if (performance.now() > deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function notStarted(known: ClusterMetadata | undefined): BellwetherError {
  const missing = (known?.brokers ?? []).filter(({ alive }) => !alive).map(({ id }) => id);
  const text =
    missing.length === 0 ? '' : `; members that do not run, or are not heard: ${missing.join(', ')}`;
  return new BellwetherError('NO_LEADER', `the cluster did not start: nobody leads its metadata${text}`);
}
