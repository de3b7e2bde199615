/** Owns a journal that takes entries as a broker's does for one partition, without Raft, network and other brokers. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { asGroupId, asLogIndex, asTerm, ENTRY_KIND } from '../../dist/src/raft/types.js';
import { Journal } from '../../dist/src/storage/journal.js';
import { createNodeFileSystem } from '../../dist/src/storage/node-file-system.js';

const GROUP = asGroupId(1);
const TERM = asTerm(1);

/**
 * Opens a journal of its own.
 *
 * @param {string} folder Does not exist yet. The segments are in it too: they are put beside the journal.
 * @param {Uint8Array} payload Of each entry.
 * @returns {Promise<{ append: () => Promise<void>, close: () => Promise<void> }>} `append` appends one entry, with the
 *   hard state that goes with every write, and resolves when it is on disk; several may be under way.
 */
export async function openJournalLoad(folder, payload) {
  mkdirSync(folder);
  const directory = join(folder, 'journal');
  const fileSystem = createNodeFileSystem();
  const { journal } = await Journal.open({ fileSystem, directory, incarnation: randomUUID() });
  const log = journal.createGroupLog(GROUP);
  /** @type {{ sequence: number, resolve: () => void }[]} */
  const waiting = [];
  journal.listen({
    onDurable: (sequence) => {
      while (waiting[0] !== undefined && waiting[0].sequence <= sequence) waiting.shift()?.resolve();
    },
    onFailed: (error) => {
      throw error;
    },
  });
  const append = () => {
    const index = asLogIndex(log.lastIndex + 1);
    const entries = [{ index, term: TERM, kind: ENTRY_KIND.RECORD_BATCH, payload }];
    log.append(entries);
    const state = { term: TERM, votedFor: 'n1', commit: asLogIndex(index - 1) };
    const sequence = journal.submit([
      { kind: 'hardState', group: GROUP, state },
      { kind: 'entries', group: GROUP, entries },
    ]);
    return /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push({ sequence, resolve })));
  };
  return { append, close: () => journal.close() };
}
