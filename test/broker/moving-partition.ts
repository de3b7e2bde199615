/** Partition 0 of a topic `t` that is moved about a cluster: orders, and waits for what they come to. */

import { expect } from 'vitest';
import { listReassignments, reassignPartition } from '../../src/broker/administration.js';
import type { BrokerId } from '../../src/raft/types.js';
import type { MiniCluster } from './mini-cluster.js';

const TIMEOUT_MS = 5_000;

export class MovingPartition {
  readonly #cluster: MiniCluster;

  constructor(cluster: MiniCluster) {
    this.#cluster = cluster;
  }

  /** Makes the topic, on these brokers, whatever placement chose. */
  async topicOn(...replicas: BrokerId[]): Promise<void> {
    await this.#cluster.createTopic('n1', { topic: 't', replicationFactor: replicas.length });
    await this.move(...replicas);
    await this.inPlace(...replicas);
  }

  /** Orders it through any broker that runs. */
  async move(...replicas: BrokerId[]): Promise<void> {
    const via = this.#cluster.members.find(({ fatal }) => fatal.length === 0)?.id ?? '';
    const order = { topic: 't', partition: 0, replicas };
    await this.#cluster.answer(reassignPartition(this.#cluster.at(via).broker, order, TIMEOUT_MS));
  }

  /** Waits until the partition is on these brokers and nowhere else, and every broker knows it. */
  async inPlace(...replicas: BrokerId[]): Promise<void> {
    const cluster = this.#cluster;
    await cluster.until(() =>
      cluster.members.every(({ broker }) => {
        const assignment = broker.cluster.state.partition('t', 0);
        return assignment?.replicas.join() === replicas.join() && listReassignments(broker).length === 0;
      }),
    );
    const running = cluster.members.map(({ id }) => id);
    const expected = replicas.filter((id) => running.includes(id)).sort();
    await cluster.until(() => this.#hosts().sort().join() === expected.join());
  }

  async produce(value: string): Promise<void> {
    const leader = await this.#cluster.elected('t');
    await this.#cluster.produced(leader, 't', value);
  }

  /** Expects each of the brokers to have these records, once it knows of so many. */
  async everywhere(replicas: readonly BrokerId[], values: readonly string[]): Promise<void> {
    const group = this.#cluster.group('t');
    await this.#cluster.until(() =>
      replicas.every((id) => this.#cluster.at(id).broker.replica(group)?.log.highWatermark === values.length),
    );
    for (const id of replicas) expect(await this.#cluster.values(id, 't')).toEqual(values);
  }

  /** Has a broker lead the partition. */
  async leads(id: BrokerId): Promise<void> {
    const leader = this.#cluster.at(await this.#cluster.elected('t')).broker;
    const group = leader.group(this.#cluster.group('t'));
    if (leader.id !== id && group !== undefined) leader.failover.transfer(group, id, 1_000);
    await this.#cluster.until(() => this.#cluster.leaderOf('t') === id);
  }

  /** The two brokers hear nothing of each other any more. */
  cut(a: BrokerId, b: BrokerId): void {
    this.#cluster.network.silence(a, b);
    this.#cluster.network.silence(b, a);
  }

  #hosts(): BrokerId[] {
    const group = this.#cluster.group('t');
    return this.#cluster.members
      .filter(({ broker }) => broker.group(group) !== undefined)
      .map(({ id }) => id);
  }
}
