import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/raft/log.js';
import { asGroupId, asLogIndex, asTerm, type Entry, ENTRY_KIND } from '../../src/raft/types.js';
import { damage } from '../../src/sim/damage.js';
import { JOURNAL, SimDisk } from '../../src/sim/disk.js';
import { Random } from '../../src/sim/random.js';
import { OUTSIDE, Scheduler } from '../../src/sim/scheduler.js';
import { createJournalFile, FILE_HEADER_BYTES } from '../../src/storage/journal-file.js';
import { Journal } from '../../src/storage/journal.js';

const GROUP = asGroupId(3);
const INCARNATION = '00000000-0000-4000-8000-000000000000';

function entry(index: number, term: number): Entry {
  return {
    index: asLogIndex(index),
    term: asTerm(term),
    kind: ENTRY_KIND.RECORD_BATCH,
    payload: new Uint8Array(100).fill(index),
  };
}

/** A disk on which a journal is being written, and what lets its time pass. */
async function written() {
  const scheduler = new Scheduler(() => undefined);
  const disk = new SimDisk(scheduler, new Random(1));
  const pass = async <T>(work: Promise<T>): Promise<T> => {
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    return work;
  };
  const open = () =>
    Journal.open({
      fileSystem: disk.mount(OUTSIDE),
      directory: JOURNAL,
      incarnation: INCARNATION,
      fileBytes: 8_192,
      preallocateBytes: 4_096,
    });
  const { journal } = await pass(open());
  const log = journal.createGroupLog(GROUP);
  const append = (...entries: Entry[]): void => {
    log.append(entries);
    const hardState = { term: asTerm(2), votedFor: 'n1', commit: asLogIndex(0) };
    journal.submit([
      { kind: 'hardState', group: GROUP, state: hardState },
      { kind: 'entries', group: GROUP, entries },
    ]);
  };
  const install = (snapshot: Snapshot): void => {
    log.install(snapshot);
    journal.submit([{ kind: 'snapshot', group: GROUP, snapshot }]);
  };
  return { disk, pass, append, install, open, scheduler };
}

describe('DurableImage', () => {
  it('has what was synced, and not what was only written', async () => {
    const { disk, append, scheduler } = await written();
    append(entry(1, 1), entry(2, 1));
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    disk.manners.stalledUntilMs = Infinity;
    append(entry(3, 2));
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    expect(disk.image.groups.get(GROUP)).toMatchObject({ term: 2, votedFor: 'n1', terms: [0, 1, 1] });
  });

  it('remembers what was replaced', async () => {
    const { disk, append, scheduler } = await written();
    append(entry(1, 1), entry(2, 1));
    append(entry(2, 2));
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    expect(disk.image.groups.get(GROUP)?.terms).toEqual([0, 1, 2]);
    expect(disk.image.everHad(GROUP, 2, 1)).toBe(true);
    expect(disk.image.everHad(GROUP, 3, 9)).toBe(false);
    expect(disk.image.reread().groups).toEqual(disk.image.groups);
  });
});

describe('DurableImage of a log that begins with a snapshot', () => {
  const membership = { voters: ['n1'], learners: [] };
  const snapshot = (index: number, term: number) => ({
    index: asLogIndex(index),
    term: asTerm(term),
    membership,
    data: Uint8Array.of(1),
  });

  it.each([
    {
      name: 'keeps the rest of a log that has the entry',
      index: 2,
      term: 1,
      terms: [0, 1, 1, 1],
      has3: true,
    },
    {
      name: 'keeps nothing of one that has another',
      index: 5,
      term: 2,
      terms: [0, 0, 0, 0, 0, 2],
      has3: true,
    },
  ])('$name', async ({ index, term, terms }) => {
    const { disk, append, install, scheduler } = await written();
    append(entry(1, 1), entry(2, 1), entry(3, 1));
    install(snapshot(index, term));
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    expect(disk.image.groups.get(GROUP)).toMatchObject({ base: index, terms });
    expect([disk.image.has(GROUP, 1, 9), disk.image.has(GROUP, 3, 1)]).toEqual([true, true]);
    expect(disk.image.has(GROUP, 6, 2)).toBe(false);
    expect(disk.image.reread().groups).toEqual(disk.image.groups);
  });
});

describe('damage at rest', () => {
  it('is refused where it says so, and mended where not', async () => {
    const kinds = new Set<boolean>();
    for (let seed = 1; seed <= 60; seed++) {
      const { disk, pass, append, open, scheduler } = await written();
      for (let index = 1; index <= 90 + seed; index++) {
        append(entry(index, 1));
        if (index % 4 === 0) await scheduler.runUntil(scheduler.nowMs + 20);
      }
      await scheduler.runUntil(scheduler.nowMs + 1_000);
      disk.crash();
      const done = damage(disk, new Random(seed));
      // The journal does not read broker.json.
      if (done === undefined || done.what.includes('broker.json')) continue;
      kinds.add(done.isFatal);
      const reason = await pass(
        open().then(
          () => undefined,
          (error: unknown) => (error as { reason: string }).reason,
        ),
      );
      expect({ what: done.what, reason }).toEqual({
        what: done.what,
        reason: done.isFatal ? 'STORAGE_CORRUPT' : undefined,
      });
    }
    expect(kinds).toEqual(new Set([true, false]));
  });
});

describe('DurableImage of a folder whose making was cut short', () => {
  it('reads what the next attempt writes under the same name, with another incarnation', async () => {
    const scheduler = new Scheduler(() => undefined);
    const disk = new SimDisk(scheduler, new Random(1));
    const fileSystem = disk.mount(OUTSIDE);
    const pass = async <T>(work: Promise<T>): Promise<T> => {
      await scheduler.runUntil(scheduler.nowMs + 1_000);
      return work;
    };
    const header = { sequence: 1, firstBatch: 1, previousEnd: 0, incarnation: 'f'.repeat(36) };
    await pass(fileSystem.makeDirectory(JOURNAL));
    await pass(createJournalFile(fileSystem, JOURNAL, header, FILE_HEADER_BYTES));
    disk.crash();
    disk.reread();
    await pass(
      createJournalFile(fileSystem, JOURNAL, { ...header, incarnation: INCARNATION }, FILE_HEADER_BYTES),
    );
    const { journal } = await pass(
      Journal.open({ fileSystem, directory: JOURNAL, incarnation: INCARNATION }),
    );
    journal.createGroupLog(GROUP).append([entry(1, 1)]);
    const hardState = { term: asTerm(1), votedFor: 'n1', commit: asLogIndex(0) };
    journal.submit([{ kind: 'hardState', group: GROUP, state: hardState }]);
    await scheduler.runUntil(scheduler.nowMs + 1_000);
    expect(disk.image.groups.get(GROUP)).toMatchObject({ term: 1, votedFor: 'n1' });
  });
});
