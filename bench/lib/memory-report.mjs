/** Owns what is told of memory and disk over a run: the most, and whether there is a trend. */
import { percentile } from './stats.mjs';

/** @typedef {import('./resource-sampler.mjs').Sample} Sample */

/** Growth of the median from the second fifth of a run to the last that counts as none, in percent. */
const TREND_PERCENT_MAX = 10;

/** A run shorter than this tells no trend, in seconds: brokers that have just begun do grow. */
const TREND_SECONDS_MIN = 120;

/**
 * @param {string} what
 * @param {string} id Of the broker.
 * @param {readonly Sample[]} samples
 * @param {number} seconds Length of the whole run. A fifth that was not reached has no figure.
 * @returns {import('./context.mjs').Row}
 */
export function brokerRow(what, id, samples, seconds) {
  const early = medianOfFifth(id, samples, seconds, 2);
  const late = medianOfFifth(id, samples, seconds, 5);
  return {
    case: 'memory',
    what,
    resident_max_mib: mostOf(id, samples),
    early_mib: early,
    middle_mib: medianOfFifth(id, samples, seconds, 3),
    late_mib: late,
    trend_percent: (late / early - 1) * 100,
    samples: samples.length,
    runs: samples.map(({ atSeconds, residentMib }) => [Math.round(atSeconds * 10) / 10, residentMib[id]]),
  };
}

/**
 * @param {string} id
 * @param {readonly Sample[]} samples
 * @param {number} seconds
 * @param {number} residentMibMax
 */
export function verdictNote(id, samples, seconds, residentMibMax) {
  const most = mostOf(id, samples);
  const size = `at most ${most} MiB, ${most <= residentMibMax ? 'within' : 'MORE THAN'} ${residentMibMax} MiB`;
  const early = medianOfFifth(id, samples, seconds, 2);
  const late = medianOfFifth(id, samples, seconds, 5);
  if (Number.isNaN(late / early) || seconds < TREND_SECONDS_MIN)
    return `memory ${id}: ${size}; too short to tell a trend`;
  const percent = (late / early - 1) * 100;
  const verdict = percent <= TREND_PERCENT_MAX ? 'no growth' : 'IT GROWS';
  return `memory ${id}: ${size}; median ${early} MiB in the second fifth, ${late} in the last: ${verdict}`;
}

/**
 * @param {readonly Sample[]} samples
 * @param {number} keptBytes What retention lets one broker keep.
 */
export function diskNote(samples, keptBytes) {
  const most = Math.max(...samples.map(({ dataBytes }) => dataBytes));
  const last = samples.at(-1)?.dataBytes ?? Number.NaN;
  const free = Math.min(...samples.map(({ freeBytes }) => freeBytes));
  return (
    `memory: the data of all brokers took up to ${gb(most)} of disk, ${gb(last)} at the end; retention lets each keep ` +
    `${gb(keptBytes)} of records. At least ${gb(free)} of the disk were free`
  );
}

/**
 * @param {number} tookSeconds
 * @param {number} seconds
 * @param {number} freeBytesMin
 */
export function ranOutNote(tookSeconds, seconds, freeBytesMin) {
  return (
    `memory: ENDED EARLY, after ${Math.round(tookSeconds)} s of ${seconds}: less than ${gb(freeBytesMin)} of the disk ` +
    'were free; what is above is not the whole run'
  );
}

/**
 * @param {string} id
 * @param {readonly Sample[]} samples
 */
function mostOf(id, samples) {
  return Math.max(...samples.map(({ residentMib }) => residentMib[id] ?? Number.NaN));
}

/**
 * @param {string} id
 * @param {readonly Sample[]} samples
 * @param {number} seconds
 * @param {number} fifth From 1.
 */
function medianOfFifth(id, samples, seconds, fifth) {
  const from = ((fifth - 1) * seconds) / 5;
  const within = samples.filter(({ atSeconds }) => atSeconds >= from && atSeconds < from + seconds / 5);
  return percentile(
    within.map(({ residentMib }) => residentMib[id] ?? Number.NaN),
    50,
  );
}

/** @param {number} bytes */
function gb(bytes) {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
