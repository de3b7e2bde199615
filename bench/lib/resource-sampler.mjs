/** Owns a look every second at what the brokers take: the memory of each, and the disk of all together. */
import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const INTERVAL_MS = 1000;

/** Bytes of one block of `stat`, whatever the file system's own are. */
const STAT_BLOCK_BYTES = 512;

/**
 * @typedef {object} Sample
 * @property {number} atSeconds Since the beginning.
 * @property {Readonly<Record<string, number>>} residentMib By broker; NaN where the system does not tell it.
 * @property {number} dataBytes On disk under the folder, in allocated blocks.
 * @property {number} freeBytes On the file system of the folder, for an ordinary user.
 */

export class ResourceSampler {
  #startMs = performance.now();
  #timer;
  /** @type {Sample[]} */
  #samples = [];

  /**
   * @param {import('./broker-processes.mjs').BrokerProcesses} processes All of which run; a stopped one does.
   * @param {string} folder
   * @param {(sample: Sample) => void} onSample
   */
  constructor(processes, folder, onSample) {
    const look = () => {
      const { bavail, bsize } = statfsSync(folder);
      const sample = {
        atSeconds: (performance.now() - this.#startMs) / 1000,
        residentMib: Object.fromEntries(
          processes.ids.map((id) => [id, processes.residentMib(id) ?? Number.NaN]),
        ),
        dataBytes: allocatedBytes(folder),
        freeBytes: bavail * bsize,
      };
      this.#samples.push(sample);
      onSample(sample);
    };
    this.#timer = setInterval(look, INTERVAL_MS);
    look();
  }

  get samples() {
    return this.#samples;
  }

  stop() {
    clearInterval(this.#timer);
  }
}

/**
 * @param {string} path
 * @returns {number}
 */
function allocatedBytes(path) {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // Files come and go meanwhile.
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.blocks * STAT_BLOCK_BYTES;
  return namesIn(path).reduce((sum, name) => sum + allocatedBytes(join(path, name)), 0);
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
