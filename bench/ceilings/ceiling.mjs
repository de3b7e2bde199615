/** Owns the shape of a ceiling: one thing alone, that nothing built on it can beat. */

/**
 * @typedef {object} Ceiling
 * @property {string} what
 * @property {string} bounds What of Bellwether it is the ceiling of.
 * @property {(seconds: number) => Promise<Figures>} run Measures for so long.
 */

/**
 * @typedef {object} Figures
 * @property {number} [mb_per_second] 10^6 bytes.
 * @property {number} [per_second] Writes, calls, or batches.
 * @property {number} [p50_ms]
 * @property {number} [p99_ms]
 * @property {number} [us_each] CPU-bound work: microseconds for one.
 */

/**
 * Ceilings that share something.
 *
 * @typedef {object} Group
 * @property {readonly Ceiling[]} ceilings
 * @property {() => Promise<void>} close
 */

export const KIB = 1024;

/**
 * A size as the tables say it.
 *
 * @param {number} bytes A whole number of KiB.
 */
export function sizeName(bytes) {
  return bytes % (KIB * KIB) === 0 ? `${bytes / KIB / KIB} MiB` : `${bytes / KIB} KiB`;
}
