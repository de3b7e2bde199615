import { describe, expect, it } from 'vitest';
import { Ballast } from '../../src/storage/ballast.js';
import { FaultyDisk } from './faulty-file-system.js';

const MIB = 1_048_576;

async function grownBallast() {
  const disk = new FaultyDisk();
  const ballast = new Ballast({ fileSystem: disk.mount(), path: 'ballast', bytesMax: 16 * MIB });
  await ballast.open();
  for (let step = 0; step < 8; step += 1) await ballast.grow();
  return { disk, ballast };
}

describe('the ballast', () => {
  it('gives back what a write needs and a little more, and grows again', async () => {
    const { disk, ballast } = await grownBallast();
    expect(ballast.missingBytes).toBe(0);
    expect(await ballast.giveBack(MIB)).toBe(true);
    expect(ballast.bytes).toBe(14 * MIB);
    expect(disk.bytes('ballast').length).toBe(14 * MIB);
    await ballast.grow();
    expect(ballast.bytes).toBe(16 * MIB);
  });

  // Simulator, seed 442: the broker stopped. File systems that never write in place need room for that as well.
  it('has nothing to give where even cutting it short finds no room, and stops nobody', async () => {
    const { disk, ballast } = await grownBallast();
    disk.failNextWrite('ENOSPC');
    expect(await ballast.giveBack(MIB)).toBe(false);
    expect(ballast.bytes).toBe(16 * MIB);
    expect(await ballast.giveBack(MIB)).toBe(true);
  });

  it('tells of a disk that fails', async () => {
    const { disk, ballast } = await grownBallast();
    disk.failNextWrite('EIO');
    await expect(ballast.giveBack(MIB)).rejects.toMatchObject({ reason: 'STORAGE_FAILED' });
  });
});
