/** Serves partition_leader: who leads a partition, who follows, in which term. */
import { partitionLeaderBody } from '../messages.js';
import { handler } from './handler.js';

export const partitionLeader = handler(partitionLeaderBody, async (ref, { client, firstUse, budget }) => {
  const found = await firstUse.run(ref, budget, (options) => client.partitionLeader(ref, options));
  return {
    type: 'partition_leader_ok',
    fields: { leader: found.leader, followers: found.followers, term: found.term },
  };
});
