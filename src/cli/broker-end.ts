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

/** How one says it that served until it was removed: no error, but what was asked for. */
const REMOVED = /^broker \S+ was removed from the cluster; /;

/** True when the broker ended because the cluster does not have it (any more). */
export function saysNoMember({ said = '' }: BrokerEnd): boolean {
  return REMOVED.test(said) || (said.startsWith('CLUSTER_MISMATCH: ') && NO_MEMBER.test(said));
}

/** What to say at the end of a broker that was removed while it served; undefined for any other end. */
export function removedText(error: unknown): string | undefined {
  if (!(error instanceof BellwetherError) || error.metadata['refusal'] !== 'REMOVED') return undefined;
  return error.message.replace(/^most peers refuse broker \S+: /, '');
}

/** A start that failed: with the reason that the broker itself gave. */
export function startFailed(id: string, { said, how }: BrokerEnd): BellwetherError {
  const [, reason = '', text = `it ended with ${how}`] = /^([A-Z_]+): (.*)$/.exec(said ?? '') ?? [];
  return new BellwetherError(isReason(reason) ? reason : 'INTERNAL', `broker ${id} did not start: ${text}`);
}
