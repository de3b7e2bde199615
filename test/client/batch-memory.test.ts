import { describe, expect, it } from 'vitest';
import { HEADROOM_BYTES, RecycledMemory } from '../../src/client/batch-memory.js';
import { PendingBatch } from '../../src/client/pending-batch.js';
import { BellwetherError } from '../../src/errors.js';

const KIB = 1024;
const BATCH_BYTES = 256 * KIB;
const RECORD = { key: undefined, value: new Uint8Array(100 * KIB), headers: [], timestampMs: 0 };

function batchIn(memory: RecycledMemory): PendingBatch {
  const batch = new PendingBatch(0, BATCH_BYTES, memory, 0, 1_000);
  batch.tryAppend(RECORD);
  return batch;
}

describe('RecycledMemory', () => {
  it('hands a block out again that was given back, with room in front of it', () => {
    const memory = new RecycledMemory(BATCH_BYTES);
    const block = memory.take(64 * KIB);
    expect(block.length).toBe(64 * KIB);
    expect(block.byteOffset).toBe(HEADROOM_BYTES);
    memory.giveBack(block);
    expect(memory.take(4 * KIB)).not.toBe(block);
    expect(memory.take(64 * KIB)).toBe(block);
    expect(memory.take(64 * KIB)).not.toBe(block);
  });

  it('keeps 4 MiB at most, and none that is larger than a batch', () => {
    const memory = new RecycledMemory(BATCH_BYTES);
    for (let i = 0; i < 20; i += 1) memory.giveBack(new Uint8Array(BATCH_BYTES));
    expect(memory.freeBytes).toBe(4096 * KIB);
    const other = new RecycledMemory(BATCH_BYTES);
    other.giveBack(new Uint8Array(BATCH_BYTES + 1));
    expect(other.freeBytes).toBe(0);
  });
});

describe('the memory of a batch', () => {
  it('is used again once its broker has answered', () => {
    const memory = new RecycledMemory(BATCH_BYTES);
    const batch = batchIn(memory);
    const before = memory.freeBytes;
    const { recordBatch, headroomBytes } = batch.take();
    expect(headroomBytes).toBe(HEADROOM_BYTES);
    batch.resolve({ baseOffset: 0, term: 1 });
    expect(memory.freeBytes).toBe(before + BATCH_BYTES);
    expect(memory.take(BATCH_BYTES).buffer).toBe(recordBatch.buffer);
  });

  it('is not used again after it was sent twice: the first stream may still read it', () => {
    const memory = new RecycledMemory(BATCH_BYTES);
    const batch = batchIn(memory);
    const before = memory.freeBytes;
    batch.take();
    expect(batch.take().headroomBytes).toBe(0);
    batch.resolve({ baseOffset: 0, term: 1 });
    expect(memory.freeBytes).toBe(before);
  });

  it('is not used again after it was given up: its stream may still read it', () => {
    const memory = new RecycledMemory(BATCH_BYTES);
    const batch = batchIn(memory);
    const before = memory.freeBytes;
    batch.take();
    batch.reject(new BellwetherError('REQUEST_TIMEOUT', 'no answer'));
    expect(memory.freeBytes).toBe(before);
  });
});
