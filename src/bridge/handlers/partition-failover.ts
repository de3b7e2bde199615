/** Serves partition_failover: afterwards another broker than failed_leader leads the partition. */
import { partitionFailoverBody } from '../messages.js';
import { handler } from './handler.js';

export const partitionFailover = handler(
  partitionFailoverBody,
  async ({ topic, partition, failed_leader: failedLeader }, { client, firstUse, budget }) => {
    const request = { topic, partition, failedLeader };
    const result = await firstUse.run(request, budget, (options) =>
      client.partitionFailover(request, options),
    );
    return {
      type: 'partition_failover_ok',
      fields: { new_leader: result.newLeader, new_term: result.newTerm, failover_ms: result.failoverMs },
    };
  },
);
