/** How long a broker may work on a call. */

import { LIMITS } from '../broker/limits.js';
import type { CallContext } from './adapt.js';

/**
 * Milliseconds for the work of a call: its deadline, or the default without one, bounded; a little less,
 * so that the broker's own answer, which says more, comes before the deadline's.
 */
export function callTimeoutMs(context: CallContext): number {
  const remainingMs = context.remainingMs();
  if (remainingMs === Infinity) return LIMITS.defaultTimeoutMs;
  const marginMs = Math.min(LIMITS.answerMarginMs, remainingMs / 10);
  return Math.max(1, Math.min(remainingMs, LIMITS.timeoutMsMax) - marginMs);
}
