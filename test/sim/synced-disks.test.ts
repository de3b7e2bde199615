import { describe, expect, it } from 'vitest';
import { disksThatCount, type SyncedDisk } from '../../src/sim/checkers/synced-disks.js';
import { DurableImage } from '../../src/sim/durable-image.js';

const image = new DurableImage(() => undefined, 'data/journal');
const disk = (broker: string, incarnation: string): SyncedDisk => ({ broker, incarnation, image });

describe('the disks of a broker that count for a replica (B34)', () => {
  const disks = [disk('n1', 'first'), disk('n2', 'other'), disk('n1', 'second'), disk('n1', 'third')];
  const counted = (broker: string, registered: string): string[] =>
    disksThatCount(disks, broker, registered).map(({ incarnation }) => incarnation);

  it('are the registered one and those after it: a broker may have told of the next itself', () => {
    expect(counted('n1', 'second')).toEqual(['second', 'third']);
    expect(counted('n1', 'third')).toEqual(['third']);
  });

  it('are all while none is registered, and none when nobody has used the registered one', () => {
    expect(counted('n1', '')).toEqual(['first', 'second', 'third']);
    expect(counted('n1', 'other')).toEqual([]);
  });
});
