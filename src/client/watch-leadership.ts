/** SDK call that tells every change of leadership, over the failures of the brokers that tell it. */
import { PartitionServiceService } from '../../gen/bellwether/v1/partition_service.js';
import { fromServiceError } from '../wire/status.js';
import { checkTexts } from './checked-argument.js';
import { checkedOption, checkNames } from './checked-option.js';
import { toChange } from './convert-leadership.js';
import type { LeadershipChange, WatchLeadershipOptions } from './leadership-types.js';
import type { Lifetime } from './lifetime.js';
import { maySendAgain, pauseMs } from './retry-policy.js';
import type { Session } from './session.js';
import { WatchProgress } from './watch-progress.js';

const OPTIONS = { topics: true, afterSequence: true, onStart: true, signal: true, timeoutMs: true } as const;

/**
 * Every change of leadership, in the order of the cluster's history, from the first `next()` on.
 *
 * Any broker tells them. When it fails the watch goes on at another one behind the last change that was
 * handed out: no change is left out, none comes twice. One change may come again, with the same sequence and
 * its `firstWriteMs`, when the first write of its leader is known; that news, and only that, may be missed
 * while the watch moves to another broker.
 *
 * Changes that are not taken wait in the history of the broker.
 *
 * Ends, without an error, when `signal` aborts or the client is closed; leaving the loop ends the call. To end
 * it while a `next()` is pending, abort: `return()` would wait for that.
 *
 * @throws BellwetherError HISTORY_TRIMMED when what comes after `afterSequence` is not kept any more: begin
 * anew behind `Number(error.metadata.trimmed_sequence)`, and look at `listFailovers` for what is left of before.
 * @throws BellwetherError WATCH_TOO_SLOW when the caller took none for so long that the next is not kept any more.
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION when a topic does not exist, or was deleted when the watch
 * moved to another broker.
 * @throws BellwetherError CONNECTION_FAILED, or as the brokers say, when none has taken the watch on for
 * `timeoutMs`. It may be begun again behind the last sequence.
 */
export async function* watchLeadership(
  session: Session,
  options: WatchLeadershipOptions = {},
): AsyncGenerator<LeadershipChange, void, undefined> {
  checkNames('watchLeadership', options, OPTIONS);
  if (options.topics !== undefined) checkTexts('topics', options.topics);
  const { afterSequence, signal } = options;
  if (afterSequence !== undefined) checkedOption('afterSequence', afterSequence, 0, Number.MAX_SAFE_INTEGER);
  const lifetime = session.beginLifetime(signal);
  try {
    yield* changes(session, lifetime, options);
  } catch (error) {
    if (!lifetime.closed) throw error;
  } finally {
    lifetime.close();
  }
}

/** One stream after the other, as they break. */
async function* changes(
  session: Session,
  lifetime: Lifetime,
  options: WatchLeadershipOptions,
): AsyncGenerator<LeadershipChange, void, undefined> {
  const { topics = [], timeoutMs, onStart } = options;
  const progress = new WatchProgress(options.afterSequence);
  const route = session.anyBroker();
  /** Streams in a row that broke before they told anything. */
  let barren = 0;
  for (let streams = 0; !lifetime.closed; streams += 1) {
    const { stream, first } = await session.openStream(lifetime, {
      method: PartitionServiceService.watchLeadership,
      request: () => ({ topics: [...topics], afterSequence: progress.sequence }),
      route,
      options: timeoutMs === undefined ? undefined : { timeoutMs },
    });
    barren += 1;
    try {
      let change = progress.begin(first);
      if (streams === 0) onStart?.(progress.sequence ?? 0, first.lastSequence);
      for (;;) {
        if (change !== undefined) {
          barren = 0;
          yield toChange(change);
        }
        change = progress.take(await stream.next());
      }
    } catch (error) {
      const failure = fromServiceError(error);
      route.failed(stream.address, failure);
      if (!maySendAgain(failure, 'read')) throw failure;
    } finally {
      stream.close();
    }
    // The first time at once: its broker has just failed, and another one is there.
    if (barren > 1) await lifetime.sleep(pauseMs(barren - 2, Math.random()));
  }
}
