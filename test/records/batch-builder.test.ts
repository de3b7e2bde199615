import { describe, expect, it } from 'vitest';
import { BatchBuilder, type BatchMemory } from '../../src/records/batch-builder.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import type { LogRecord } from '../../src/records/log-record.js';

const RECORDS: LogRecord[] = [
  { key: Uint8Array.of(1), value: new Uint8Array(5000).fill(7), headers: [], timestampMs: 1000 },
  { key: undefined, value: undefined, headers: [{ key: 'h', value: Uint8Array.of(2) }], timestampMs: 900 },
  { key: undefined, value: Uint8Array.of(3), headers: [], timestampMs: 1100 },
];

describe('BatchBuilder', () => {
  it('makes record by record the same bytes as the encoder makes of all', () => {
    const builder = new BatchBuilder(65_536, 100);
    for (const record of RECORDS) expect(builder.tryAppend(record)).toBe(true);
    expect(Buffer.from(builder.finish())).toEqual(Buffer.from(encodeRecordBatch(RECORDS)));
    const producer = { id: 7, epoch: 2, baseSequence: 40 };
    expect(Buffer.from(builder.finish(producer))).toEqual(Buffer.from(encodeRecordBatch(RECORDS, producer)));
  });

  it('refuses what does not fit, and stays as it was', () => {
    const builder = new BatchBuilder(5100, 100);
    builder.tryAppend(RECORDS[0]!);
    const { sizeBytes } = builder;
    expect(builder.tryAppend(RECORDS[0]!)).toBe(false);
    expect([builder.sizeBytes, builder.recordCount]).toEqual([sizeBytes, 1]);
    expect(decodeRecordBatch(builder.finish())).toHaveLength(1);
  });

  it('takes a first record that is larger than the bound, and no more records than allowed', () => {
    expect(new BatchBuilder(100, 100).tryAppend(RECORDS[0]!)).toBe(true);
    const builder = new BatchBuilder(65_536, 1);
    builder.tryAppend(RECORDS[2]!);
    expect(builder.tryAppend(RECORDS[2]!)).toBe(false);
  });

  it('copies payloads at once', () => {
    const value = Uint8Array.of(1, 2, 3);
    const builder = new BatchBuilder(65_536, 100);
    builder.tryAppend({ key: undefined, value, headers: [], timestampMs: 0 });
    value.fill(9);
    expect([...(decodeRecordBatch(builder.finish())[0]?.value ?? [])]).toEqual([1, 2, 3]);
  });

  it('makes the same bytes in memory that had something else in it', () => {
    const taken: number[] = [];
    const used: BatchMemory = {
      take: (sizeBytes) => {
        taken.push(sizeBytes);
        return new Uint8Array(sizeBytes).fill(0xff);
      },
      giveBack: (block) => taken.splice(taken.indexOf(block.length), 1),
    };
    const builder = new BatchBuilder(65_536, 100, used);
    for (const record of RECORDS) builder.tryAppend(record);
    expect(Buffer.from(builder.finish())).toEqual(Buffer.from(encodeRecordBatch(RECORDS)));
    expect(taken).toEqual([16_384]);
    builder.release();
    expect(taken).toEqual([]);
  });
});
