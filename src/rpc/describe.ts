/** What a broker's memory says of brokers and topics, in the wire form of the public API. */

import type { Broker as WireBroker, TopicMetadata } from '../../gen/bellwether/v1/types.js';
import type { Broker } from '../broker/broker.js';
import { CLUSTER_GROUP } from '../broker/cluster-host.js';
import { hostsOf } from '../cluster/desired.js';
import type { TopicState } from '../cluster/cluster-types.js';

/** All brokers that have told clients where to reach them, ordered by id. */
export function describeBrokers(broker: Broker): WireBroker[] {
  return [...broker.cluster.state.brokers.values()]
    .filter(({ address }) => address !== '')
    .map(({ id, address, rack }) => ({ id, address, rack, alive: broker.isAlive(id) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function describeTopic(broker: Broker, topic: TopicState): TopicMetadata {
  return {
    topic: topic.topic,
    partitions: topic.partitions.map((assignment) => {
      const { partition, group } = assignment;
      // As in Kafka, those that come and those that go are among them while a reassignment runs.
      const replicas = hostsOf(assignment);
      const leader = broker.table.leaderOf(group);
      return {
        partition,
        leader: leader?.leader ?? '',
        term: leader?.term ?? 0,
        replicas: [...replicas],
        inSyncReplicas: [...(leader?.inSyncReplicas ?? [])],
        offlineReplicas: replicas.filter((replica) => !broker.isAlive(replica)),
      };
    }),
  };
}

/** The topics, ordered by name. */
export function sortedTopics(broker: Broker): TopicState[] {
  return [...broker.cluster.state.topics.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

/** Who leads the cluster metadata; empty and 0 while nobody is known to. */
export function describeController(broker: Broker): { controller: string; controllerTerm: number } {
  const leader = broker.table.leaderOf(CLUSTER_GROUP);
  return { controller: leader?.leader ?? '', controllerTerm: leader?.term ?? 0 };
}
