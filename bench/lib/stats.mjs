/** Owns the arithmetic of the measurements: percentiles, medians, and histograms of latencies. */
import { createHistogram } from 'node:perf_hooks';

const NANOSECONDS_PER_MS = 1e6;

/**
 * Nearest-rank percentile: a value that was measured, never one in between.
 *
 * @param {readonly number[]} values In any order.
 * @param {number} percent In (0, 100].
 * @returns {number} NaN when there are no values.
 */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * The figures of a few single measurements, each of which is worth having.
 *
 * @param {readonly number[]} valuesMs
 */
export function summary(valuesMs) {
  return {
    p50_ms: percentile(valuesMs, 50),
    p90_ms: percentile(valuesMs, 90),
    max_ms: percentile(valuesMs, 100),
    samples: valuesMs.length,
  };
}

/**
 * The longest time between two neighbours of an ascending list; 0 when there are not two.
 *
 * @param {readonly number[]} timesMs
 */
export function longestGap(timesMs) {
  let longestMs = 0;
  for (let i = 1; i < timesMs.length; i += 1) {
    longestMs = Math.max(longestMs, (timesMs[i] ?? 0) - (timesMs[i - 1] ?? 0));
  }
  return longestMs;
}

/** Latencies of many calls, in a histogram of fixed size with three significant digits. */
export class Latencies {
  #histogram = createHistogram({ figures: 3 });

  /** @param {number} ms */
  add(ms) {
    this.#histogram.record(Math.max(1, Math.round(ms * NANOSECONDS_PER_MS)));
  }

  get figures() {
    const at = (/** @type {number} */ percent) => this.#histogram.percentile(percent) / NANOSECONDS_PER_MS;
    return {
      p50_ms: at(50),
      p99_ms: at(99),
      max_ms: this.#histogram.max / NANOSECONDS_PER_MS,
      samples: this.#histogram.count,
    };
  }
}

/**
 * The median of each figure over several runs, so that one disturbed run does not decide. The figures of
 * the single runs stay with it.
 *
 * @param {readonly Readonly<Record<string, number>>[]} runs At least one, all with the same figures.
 */
export function medianOfRuns(runs) {
  const names = Object.keys(runs[0] ?? {});
  const medians = names.map((name) => [
    name,
    percentile(
      runs.map((run) => run[name] ?? Number.NaN),
      50,
    ),
  ]);
  return { ...Object.fromEntries(medians), runs };
}
