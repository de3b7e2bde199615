/** Owns the closed loop: a fixed number of calls in flight, each followed at once by the next. */
import { Latencies } from './stats.mjs';

/**
 * Keeps `inFlight` calls under way for `seconds` and counts those that ended within it.
 *
 * In a closed loop a slow answer delays the next question, so the latencies are those of this many
 * callers that wait for each other, not those at a given rate of arrival.
 *
 * @param {object} options
 * @param {number} options.inFlight
 * @param {number} options.seconds
 * @param {() => Promise<unknown>} options.call
 */
export async function closedLoop({ inFlight, seconds, call }) {
  const latencies = new Latencies();
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const caller = async () => {
    for (let beforeMs = startMs; beforeMs < endMs;) {
      await call();
      const afterMs = performance.now();
      if (afterMs <= endMs) latencies.add(afterMs - beforeMs);
      beforeMs = afterMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { figures } = latencies;
  return { calls_per_second: figures.samples / seconds, ...figures };
}
