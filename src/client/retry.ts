/** The retry loop: sends a request until it succeeds, must not be sent again, or its time is up. */
import { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import type { Asked } from './attempt.js';
import { closedError } from './lifetime.js';
import type { Lifetime } from './lifetime.js';
import { attemptTimeoutMs, HOPS_WITHOUT_PAUSE_MAX, isElsewhereAtOnce } from './retry-policy.js';
import { LAST_ATTEMPT_MIN_MS, maySendAgain, pauseMs } from './retry-policy.js';
import type { Effect } from './retry-policy.js';

/** Where a request goes. One for each call; it learns from the failures of that call. */
export interface Route {
  /** Brokers that could be asked; with one there is no point in hurrying an attempt. */
  readonly brokerCount: number;
  /**
   * The address for the next attempt, found within `timeoutMs`. May ask the cluster.
   *
   * @throws BellwetherError NOT_APPLIED, as the request itself has not been sent.
   */
  next(timeoutMs: number): Promise<string>;
  /** The leader to which the address found last belongs; undefined where it is not asked as a leader. */
  readonly asked?: Asked | undefined;
  /** Takes the failure at `address` into account; undefined when the address was not even found. */
  failed(address: string | undefined, error: BellwetherError): void;
}

/** A call to be made. */
export interface Plan<Response> {
  readonly effect: Effect;
  /** Bound of the whole call in milliseconds. */
  readonly timeoutMs: number;
  /** What a healthy broker may take by right, in milliseconds, such as a long poll. */
  readonly expectedMs: number;
  readonly route: Route;
  /** Sends the request once. */
  attempt(address: string, timeoutMs: number): Promise<Response>;
  /** Told before each further attempt why, and how long the call has gone on, beyond what it may take by right. */
  readonly retried?: (error: BellwetherError, elapsedMs: number) => void;
}

/** Carries `plan` out. Rejects with BellwetherError only; see `verdict` for which one. */
export async function withRetries<Response>(lifetime: Lifetime, plan: Plan<Response>): Promise<Response> {
  const begunMs = performance.now();
  const deadlineMs = begunMs + plan.timeoutMs;
  let doubt: BellwetherError | undefined;
  let hops = 0;
  let pauses = 0;
  for (;;) {
    lifetime.check();
    const result = await attemptOnce(plan, deadlineMs);
    if ('response' in result) return result.response;
    const { address, error } = result;
    plan.route.failed(address, error);
    if (address !== undefined && error.outcome === 'UNKNOWN') doubt ??= error;
    if (lifetime.closed && error.reason === 'CONNECTION_FAILED')
      throw verdict(plan.effect, doubt, closedError());
    if (lifetime.closed || !maySendAgain(error, plan.effect)) throw verdict(plan.effect, doubt, error);

    const atOnce = isElsewhereAtOnce(error) && hops < HOPS_WITHOUT_PAUSE_MAX;
    const waitMs = atOnce ? 0 : pauseMs(pauses, Math.random());
    if (performance.now() + waitMs + LAST_ATTEMPT_MIN_MS > deadlineMs)
      throw verdict(plan.effect, doubt, error);
    plan.retried?.(error, Math.max(0, performance.now() - begunMs - plan.expectedMs));
    hops = atOnce ? hops + 1 : 0;
    if (atOnce) continue;
    pauses += 1;
    await lifetime.sleep(waitMs);
    if (lifetime.closed) throw verdict(plan.effect, doubt, closedError());
  }
}

type Result<Response> =
  { readonly response: Response } | { readonly address: string | undefined; readonly error: BellwetherError };

async function attemptOnce<Response>(plan: Plan<Response>, deadlineMs: number): Promise<Result<Response>> {
  const { effect, expectedMs, route } = plan;
  let address: string | undefined;
  try {
    address = await route.next(deadlineMs - performance.now());
    const remainingMs = Math.max(1, deadlineMs - performance.now());
    const { brokerCount } = route;
    const timeoutMs = attemptTimeoutMs({ effect, remainingMs, expectedMs, brokerCount });
    return { response: await plan.attempt(address, timeoutMs) };
  } catch (error) {
    return { address, error: fromServiceError(error) };
  }
}

/**
 * The error to report: the last one, unless it says NOT_APPLIED of a write of which an earlier attempt
 * may have been applied.
 */
function verdict(effect: Effect, doubt: BellwetherError | undefined, last: BellwetherError): BellwetherError {
  if (effect === 'read' || doubt === undefined || doubt === last || last.outcome !== 'NOT_APPLIED')
    return last;
  return new BellwetherError(doubt.reason, `${doubt.message}; then ${last.reason}: ${last.message}`, {
    metadata: doubt.metadata,
    leaderHint: last.leaderHint ?? doubt.leaderHint,
    cause: last,
  });
}
