/** One partition under test, and what a cluster tells of who leads it. */

import type { LeadershipChange } from '../../src/cluster/leadership-change.js';
import type { BrokerId } from '../../src/raft/types.js';
import type { MiniCluster } from './mini-cluster.js';

export const TOPIC = 'orders';

/** Creates the topic; n1 leads its first partition. */
export async function createOrders(cluster: MiniCluster, partitions = 1): Promise<void> {
  await cluster.createTopic('n1', { topic: TOPIC, partitions });
  for (let partition = 0; partition < partitions; partition++) await cluster.elected(TOPIC, partition);
}

/** The newest change of a partition as one broker has it. */
export function toldBy(cluster: MiniCluster, via: BrokerId, partition = 0): LeadershipChange | undefined {
  const group = cluster.group(TOPIC, partition);
  return cluster.at(via).broker.cluster.state.leadership.ofGroup(group)[0];
}

/** Waits until all running brokers have the same newest change, to `leader`, and returns what each has. */
export async function toldByAll(
  cluster: MiniCluster,
  leader: BrokerId,
  except: readonly BrokerId[] = [],
): Promise<readonly (LeadershipChange | undefined)[]> {
  const all = (): readonly (LeadershipChange | undefined)[] =>
    cluster.members
      .filter(({ id, fatal }) => !except.includes(id) && fatal.length === 0)
      .map(({ id }) => toldBy(cluster, id));
  await cluster.until(() => {
    const [first, ...others] = all();
    return first?.leader === leader && others.every((other) => other?.sequence === first.sequence);
  });
  return all();
}

/** Asks one broker to move the leadership of the first partition. */
export function failover(cluster: MiniCluster, via: BrokerId, failedLeader: BrokerId, timeoutMs = 3_000) {
  const { broker } = cluster.at(via);
  const request = {
    failedLeader,
    expectedTerm: undefined,
    target: undefined,
    maxBlockMs: 500,
    dryRun: false,
  };
  return broker.failover.run(broker.assignment(TOPIC, 0), request, timeoutMs);
}
