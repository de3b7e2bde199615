import { describe, expect, it } from 'vitest';
import { SimDisk } from '../../src/sim/disk.js';
import { Random } from '../../src/sim/random.js';
import { OUTSIDE, Scheduler } from '../../src/sim/scheduler.js';

async function settled<T>(scheduler: Scheduler, work: Promise<T>): Promise<T> {
  await scheduler.runUntil(scheduler.nowMs + 1_000);
  return work;
}

function written(seed: number, act: (disk: SimDisk) => void = () => undefined) {
  const scheduler = new Scheduler(() => undefined);
  const disk = new SimDisk(scheduler, new Random(seed));
  act(disk);
  return { scheduler, disk, fileSystem: disk.mount(OUTSIDE) };
}

describe('SimDisk', () => {
  it('keeps what was synced, and any part of the rest, over a crash', async () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { scheduler, disk, fileSystem } = written(seed);
      const work = async (): Promise<void> => {
        await fileSystem.makeDirectory('d');
        const file = await fileSystem.open('d/f', { create: true });
        await file.write([Uint8Array.of(1, 2)], 0);
        await file.sync();
        await fileSystem.syncDirectory('d');
        await file.write([Uint8Array.of(3, 4, 5, 6)], 2);
      };
      await settled(scheduler, work());
      disk.crash();
      const bytes = await settled(scheduler, disk.mount(OUTSIDE).readFile('d/f'));
      expect([...(bytes ?? [])].slice(0, 2)).toEqual([1, 2]);
      ends.add([...(bytes ?? [])].slice(2).join());
    }
    expect(ends).toContain('');
    expect(ends).toContain('3,4,5,6');
    expect(ends.size).toBeGreaterThan(3);
  });

  it('reports a failed sync once and forgets what it covered (fsyncgate)', async () => {
    const { scheduler, disk, fileSystem } = written(1, ({ manners }) => {
      manners.failSync = 'EIO';
    });
    const work = async (): Promise<string[]> => {
      await fileSystem.makeDirectory('d');
      const file = await fileSystem.open('d/f', { create: true });
      await fileSystem.syncDirectory('d');
      await file.write([Uint8Array.of(9)], 0);
      const tries: string[] = [];
      for (let i = 0; i < 2; i++) {
        tries.push(
          await file.sync().then(
            () => 'ok',
            (error: unknown) => (error as Error).message,
          ),
        );
      }
      return tries;
    };
    expect(await settled(scheduler, work())).toEqual(['EIO: fdatasync', 'ok']);
    disk.crash();
    expect(await settled(scheduler, disk.mount(OUTSIDE).readFile('d/f'))).toEqual(new Uint8Array(0));
  });
});
