/** How a broker process of `bellwether up` ended, and what that means. */

import { BellwetherError, isReason } from '../errors.js';

export interface BrokerEnd {
  /** Such as "SIGKILL" or "exit code 1". */
  readonly how: string;
  /** The broker's own words for it, without "bellwether: "; undefined when it said nothing. */
  readonly said: string | undefined;
}

/** How the other brokers refuse one that is no member: see `Peers` and `registerBroker`. */
const NO_MEMBER = /was removed from the cluster|is not one of the peers|is not in the cluster/;

/** True when the broker ended because the cluster does not have it (any more). */
export function saysNoMember({ said = '' }: BrokerEnd): boolean {
  return said.startsWith('CLUSTER_MISMATCH: ') && NO_MEMBER.test(said);
}

/** A start that failed: with the reason that the broker itself gave. */
export function startFailed(id: string, { said, how }: BrokerEnd): BellwetherError {
  const [, reason = '', text = `it ended with ${how}`] = /^([A-Z_]+): (.*)$/.exec(said ?? '') ?? [];
  return new BellwetherError(isReason(reason) ? reason : 'INTERNAL', `broker ${id} did not start: ${text}`);
}
