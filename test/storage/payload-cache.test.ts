import { describe, expect, it } from 'vitest';

import { EntrySlot } from '../../src/storage/entry-slot.js';
import type { JournalFile } from '../../src/storage/journal-file.js';
import { PayloadCache } from '../../src/storage/payload-cache.js';
import { FaultyDisk } from './faulty-file-system.js';
import { entry, filePath } from './journal-harness.js';

const UNREAD = { seal: undefined, readers: 0, isRetired: false };

async function someFile(): Promise<JournalFile> {
  const path = filePath(1);
  return {
    sequence: 1,
    path,
    seed: 0,
    ...UNREAD,
    storage: await new FaultyDisk().mount().open(path, { create: true }),
  };
}

async function slots(count: number): Promise<EntrySlot[]> {
  const file = await someFile();
  return Array.from({ length: count }, (_, i) => {
    const slot = EntrySlot.held(entry(i + 1, 1, new Uint8Array(10)));
    slot.file = file;
    return slot;
  });
}

function heldIn(all: readonly EntrySlot[]): boolean[] {
  return all.map((slot) => slot.entry !== undefined);
}

describe('the payload cache', () => {
  it('keeps the newest payloads up to its bound, and evicts the oldest first', async () => {
    const cache = new PayloadCache(25);
    const all = await slots(4);
    for (const slot of all) cache.add(slot);
    expect(heldIn(all)).toEqual([false, false, true, true]);
    expect(cache.bytes).toBe(20);
  });

  it('lets go of a truncated entry at once, wherever it stands', async () => {
    for (const gone of [0, 1, 2]) {
      const cache = new PayloadCache(30);
      const all = await slots(5);
      for (const slot of all.slice(0, 3)) cache.add(slot);
      const removed = all[gone];
      if (removed !== undefined) cache.remove(removed);
      expect(cache.bytes).toBe(20);
      for (const slot of all.slice(3)) cache.add(slot);
      expect(cache.bytes).toBe(30);
      expect(heldIn(all).filter(Boolean)).toHaveLength(3);
      expect(heldIn(all)[gone]).toBe(false);
      expect(heldIn(all).slice(3)).toEqual([true, true]);
    }
  });

  it('of no bytes keeps nothing, not even empty payloads', async () => {
    const cache = new PayloadCache(0);
    const [slot] = await slots(1);
    if (slot !== undefined) cache.add(slot);
    const empty = EntrySlot.held(entry(1, 1, ''));
    empty.file = await someFile();
    cache.add(empty);
    expect([slot?.entry, empty.entry, cache.bytes]).toEqual([undefined, undefined, 0]);
  });

  it('never takes an entry that cannot be read back', () => {
    expect(() => {
      new PayloadCache(10).add(EntrySlot.held(entry(1, 1)));
    }).toThrow('only a written entry is evictable');
  });
});
