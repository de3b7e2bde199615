/** SDK call that has a leader hand over. */
import { AdminServiceService } from '../../gen/bellwether/v1/admin_service.js';
import { checkRef } from './checked-argument.js';
import { toTransfer } from './convert-leadership.js';
import type { TransferResult } from './leadership-types.js';
import { checkMove, FAILOVER_EXPECTED_MS, MAX_BLOCK_DEFAULT_MS } from './partition.js';
import type { Session } from './session.js';
import type { PartitionRef, TransferOptions } from './types.js';

/**
 * Hands leadership over, to `options.target` or the best follower. Sent again in doubt only when that cannot move
 * it twice: with a target, or with the term that is expected.
 */
export async function transferLeadership(
  session: Session,
  ref: PartitionRef,
  options: TransferOptions | undefined,
): Promise<TransferResult> {
  checkRef(ref);
  const { target, expectedTerm, maxBlockMs } = options ?? {};
  checkMove({ target, expectedTerm, maxBlockMs });
  const isIdempotent = target !== undefined || expectedTerm !== undefined;
  const response = await session.call({
    method: AdminServiceService.transferLeadership,
    request: () => ({ topic: ref.topic, partition: ref.partition, target, expectedTerm, maxBlockMs }),
    effect: isIdempotent ? 'idempotent_write' : 'write',
    route: session.anyBroker(),
    expectedMs: FAILOVER_EXPECTED_MS + (maxBlockMs ?? MAX_BLOCK_DEFAULT_MS),
    options,
    optionNames: { target: true, expectedTerm: true, maxBlockMs: true },
  });
  const address = session.directory.addressOf(response.leader);
  if (address === undefined) session.cache.forget(ref);
  else session.cache.adopt(ref, { address, term: response.term });
  return toTransfer(response);
}
