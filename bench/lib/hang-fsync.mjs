/**
 * Preloaded into a broker's process (`node --import`): while the file that BENCH_HANG_FSYNC_WHILE names exists,
 * no fdatasync returns, and no write, as a write may be one that syncs. That is what a disk does that hangs, as far as
 * the process can tell; the broker itself has no hook for it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Pause between two looks whether the disk is free again, in milliseconds. */
const LOOK_MS = 5;

const flag = String(process.env['BENCH_HANG_FSYNC_WHILE']);
const { fdatasync, writev } = fs;

fs.fdatasync = (descriptor, callback) => {
  fdatasync(descriptor, (error) => answerOnceFree(() => callback(error)));
};
fs.writev = (descriptor, buffers, position, callback) => {
  writev(descriptor, buffers, position, (error, written) =>
    answerOnceFree(() => callback(error, written, buffers)),
  );
};
syncBuiltinESMExports();

/** @param {() => void} answer */
function answerOnceFree(answer) {
  if (fs.existsSync(flag)) setTimeout(answerOnceFree, LOOK_MS, answer);
  else answer();
}
