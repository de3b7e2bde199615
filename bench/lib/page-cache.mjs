/**
 * Owns the wish for a machine that has been up for a while, whose memory is full of cached files: a new page of a file
 * takes the place of an old one there. On a virtual machine whose hypervisor takes free memory back, a page that was free
 * costs up to ten times as much: 2 us a KiB instead of 0.2, and that is measured then.
 */
import { closeSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** Of the free memory, what is left free at least: for the processes under measurement, in bytes. */
const LEFT_FREE_BYTES = 2 * 2 ** 30;

const READ_BYTES = 2 ** 20;

/**
 * Fills the page cache with a file of holes, which takes no room on the disk. The kernel gives its pages to whoever
 * writes files, until they are used up.
 *
 * @param {string} folder Where the file is made, and stays.
 * @param {number} gib At most so much; 0 for nothing.
 * @param {(text: string) => void} progress
 * @returns {string[]} A note on what was done.
 */
export function fillPageCache(folder, gib, progress) {
  if (gib === 0) return [];
  const bytes = Math.floor(Math.min(gib * 2 ** 30, Math.max(0, freemem() - LEFT_FREE_BYTES)));
  const filled = `${(bytes / 2 ** 30).toFixed(1)} GiB of the page cache`;
  progress(`filling ${filled}`);
  const file = openSync(join(folder, 'page-cache'), 'w+');
  try {
    ftruncateSync(file, bytes);
    const buffer = Buffer.alloc(READ_BYTES);
    for (let at = 0; at < bytes; at += READ_BYTES) readSync(file, buffer, 0, READ_BYTES, at);
  } finally {
    closeSync(file);
  }
  return [`${filled} were filled before: pages of files come from there, and not from free memory`];
}
