/** Owns the list of message types that need a cluster, and who serves each. */
import { commitOffsets } from './commit-offsets.js';
import { fetch } from './fetch.js';
import type { Handler } from './handler.js';
import { listCommittedOffsets } from './list-committed-offsets.js';
import { metadataRequest } from './metadata-request.js';
import { partitionFailover } from './partition-failover.js';
import { partitionLeader } from './partition-leader.js';
import { poll } from './poll.js';
import { produce } from './produce.js';
import { send } from './send.js';

/** A Map, so that a type named like a member of Object.prototype is unknown too. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map([
  ['partition_leader', partitionLeader],
  ['partition_failover', partitionFailover],
  ['metadata_request', metadataRequest],
  ['produce', produce],
  ['fetch', fetch],
  ['send', send],
  ['poll', poll],
  ['commit_offsets', commitOffsets],
  ['list_committed_offsets', listCommittedOffsets],
]);
