/** How topics and their partitions are printed. Shared by `topic` and `metadata`. */
import type { TopicConfigEntry, TopicInfo } from '../client/index.js';
import type { Section } from './output.js';

/** The JSON form of a topic. */
export function topicDocument({ topic, partitions }: TopicInfo) {
  return {
    topic,
    partitions: partitions.map((partition) => ({
      partition: partition.partition,
      leader: partition.leader ?? null,
      term: partition.term,
      replicas: partition.replicas,
      in_sync_replicas: partition.inSyncReplicas,
      offline_replicas: partition.offlineReplicas,
    })),
  };
}

/** The JSON form of one entry of a topic's configuration. */
export function configDocument({ name, value, source, unit }: TopicConfigEntry) {
  return { name, value, source, unit };
}

/** The table of a topic's configuration. */
export function configSection(config: readonly TopicConfigEntry[]): Section {
  const rows = config.map((entry) => Object.values(configDocument(entry)));
  return { name: 'config', head: ['name', 'value', 'source', 'unit'], rows };
}

/** The table of all partitions of `topics`. */
export function partitionSection(topics: readonly TopicInfo[]): Section {
  return {
    name: 'partition',
    head: ['topic', 'partition', 'leader', 'term', 'replicas', 'in_sync_replicas', 'offline_replicas'],
    rows: topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => [
        topic,
        partition.partition,
        partition.leader,
        partition.term,
        partition.replicas,
        partition.inSyncReplicas,
        partition.offlineReplicas,
      ]),
    ),
  };
}
