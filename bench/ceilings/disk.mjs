/** What the disk does alone, and what the journal makes of it: append and fdatasync, one after the other. */
import { join } from 'node:path';
import { createNodeFileSystem } from '../../dist/src/storage/node-file-system.js';
import { closedLoop } from '../lib/closed-loop.mjs';
import { openJournalLoad } from '../lib/journal-load.mjs';
import { KIB, sizeName } from './ceiling.mjs';

const SIZES = [4 * KIB, 64 * KIB, 1024 * KIB];

/** The bare file is written over from its start again when it is full: no size and no block is to be made durable. */
const FILE_BYTES = 64 * 1024 * KIB;

/** @param {string} folder @returns {Promise<import('./ceiling.mjs').Group>} */
export async function disk(folder) {
  const file = await createNodeFileSystem().open(join(folder, 'bare'), { create: true });
  const zeros = new Uint8Array(1024 * KIB);
  for (let at = 0; at < FILE_BYTES; at += zeros.length) await file.write([zeros], at);
  await file.sync();
  const ceilings = SIZES.map((bytes) => {
    const buffers = [Buffer.alloc(bytes, 'v')];
    let at = 0;
    const call = async () => {
      await file.write(buffers, at);
      await file.sync();
      at = (at + bytes) % FILE_BYTES;
    };
    return {
      what: `bare file: write and fdatasync of ${sizeName(bytes)}, written over`,
      bounds: bytes === 4 * KIB ? 'one acknowledgement alone' : 'the journal',
      run: (/** @type {number} */ seconds) => onDisk(bytes, seconds, call),
    };
  });
  return { ceilings, close: () => file.close() };
}

/** @param {string} folder @returns {Promise<import('./ceiling.mjs').Group>} */
export async function journal(folder) {
  const journals = await Promise.all(
    SIZES.map(async (bytes) => {
      const load = await openJournalLoad(join(folder, `journal-${bytes}`), new Uint8Array(bytes).fill(118));
      return { bytes, load };
    }),
  );
  const ceilings = journals.map(({ bytes, load }) => ({
    what: `journal: an entry of ${sizeName(bytes)}, on disk`,
    bounds:
      bytes === 4 * KIB ? 'one acknowledgement alone' : 'records a broker can take: leader and follower each',
    run: (/** @type {number} */ seconds) => onDisk(bytes, seconds, load.append),
  }));
  return {
    ceilings,
    close: async () => {
      for (const { load } of journals) await load.close();
    },
  };
}

/**
 * @param {number} bytes Of one call.
 * @param {number} seconds
 * @param {() => Promise<void>} call
 * @returns {Promise<import('./ceiling.mjs').Figures>}
 */
async function onDisk(bytes, seconds, call) {
  const { calls_per_second, p50_ms, p99_ms } = await closedLoop({ inFlight: 1, seconds, call });
  return { mb_per_second: (calls_per_second * bytes) / 1e6, per_second: calls_per_second, p50_ms, p99_ms };
}
