/**
 * Preloaded into a broker's process (`node --import`): while the file that HANG_FDATASYNC_WHILE names exists, no
 * fdatasync returns, and no write, as a write may be one that syncs. That is what a disk does that hangs, as far as
 * the process can tell; nothing in the product knows of it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const LOOK_MS = 5;
const flag = process.env['HANG_FDATASYNC_WHILE'];
const { fdatasync, writev } = fs;

fs.fdatasync = (descriptor, callback) => {
  fdatasync(descriptor, (error) => {
    answerOnceFree(() => callback(error));
  });
};
fs.writev = (descriptor, buffers, position, callback) => {
  writev(descriptor, buffers, position, (error, written) => {
    answerOnceFree(() => callback(error, written));
  });
};
syncBuiltinESMExports();

function answerOnceFree(answer) {
  if (!fs.existsSync(flag)) answer();
  else setTimeout(answerOnceFree, LOOK_MS, answer);
}
