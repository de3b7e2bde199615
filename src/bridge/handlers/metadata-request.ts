/** Serves metadata_request: the brokers, and who leads what. Absent, null or no topics mean all topics. */
import type { PartitionInfo } from '../../client/types.js';
import type { JsonObject } from '../json-form.js';
import { metadataRequestBody } from '../messages.js';
import { handler } from './handler.js';

export const metadataRequest = handler(metadataRequestBody, async ({ topics }, { client, budget }) => {
  const metadata = await client.metadata(topics ?? [], budget.call());
  return {
    type: 'metadata_request_ok',
    fields: {
      brokers: metadata.brokers.map(({ id, address }) => ({ id, address })),
      topics: metadata.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(describePartition),
      })),
    },
  };
});

function describePartition(info: PartitionInfo): JsonObject {
  return {
    partition: info.partition,
    leader: info.leader ?? null,
    term: info.term,
    replicas: info.replicas,
    in_sync_replicas: info.inSyncReplicas,
  };
}
