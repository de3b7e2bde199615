import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKERS, failure, refusedField, Wire } from './wire.js';

const REF = { topic: 'orders', partition: 0 };

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

describe('CommitOffsets', () => {
  const many = Array.from({ length: 1_001 }, () => ({ ...REF, offset: 1 }));

  it.each([
    ['group', { group: '', offsets: [{ ...REF, offset: 1 }] }],
    ['group', { group: 'g'.repeat(250), offsets: [{ ...REF, offset: 1 }] }],
    ['offsets', { group: 'g', offsets: [] }],
    ['offsets', { group: 'g', offsets: many }],
    [
      'offsets[1].offset',
      {
        group: 'g',
        offsets: [
          { ...REF, offset: 1 },
          { ...REF, offset: -1 },
        ],
      },
    ],
    ['topic', { group: 'g', offsets: [{ topic: '', partition: 0, offset: 1 }] }],
    ['partition', { group: 'g', offsets: [{ topic: 'orders', partition: -1, offset: 1 }] }],
  ])('refuses %s', async (field, request) => {
    expect(await refusedField(wire.at('n1').commitOffsets(request))).toBe(field);
  });

  it('stores through any broker what every broker then returns', async () => {
    for (const [i, via] of BROKERS.entries()) {
      const offset = 10 + i;
      await wire.at(via).commitOffsets({ group: 'billing', offsets: [{ ...REF, offset }] });
      for (const reader of BROKERS) {
        const { offsets } = await wire.at(reader).fetchOffsets({ group: 'billing', partitions: [REF] });
        expect(offsets).toEqual([{ ...REF, offset }]);
      }
    }
  });

  it('lets the last commit of a partition win, also to a lower offset', async () => {
    for (const offset of [9, 4, 0]) {
      await wire.at('n2').commitOffsets({ group: 'back', offsets: [{ ...REF, offset }] });
    }
    const { offsets } = await wire.at('n3').fetchOffsets({ group: 'back', partitions: [REF] });
    expect(offsets).toEqual([{ ...REF, offset: 0 }]);
  });

  it('takes any name of a group, and any offset that a number can hold', async () => {
    const group = 'grüße 消费者 🐑';
    const offset = Number.MAX_SAFE_INTEGER;
    await wire.at('n2').commitOffsets({ group, offsets: [{ ...REF, offset }] });
    const { offsets } = await wire.at('n1').fetchOffsets({ group, partitions: [REF] });
    expect(offsets).toEqual([{ ...REF, offset }]);
  });

  it('stores nothing when one of the partitions does not exist', async () => {
    const offsets = [
      { ...REF, offset: 5 },
      { topic: 'none', partition: 0, offset: 5 },
    ];
    const error = await failure(wire.at('n1').commitOffsets({ group: 'partial', offsets }));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const stored = await wire.at('n1').fetchOffsets({ group: 'partial', partitions: [REF] });
    expect(stored.offsets).toEqual([]);
  });
});

describe('FetchOffsets', () => {
  it.each([
    ['group', { group: '', partitions: [REF] }],
    ['partitions', { group: 'g', partitions: [] }],
    ['partitions', { group: 'g', partitions: Array.from({ length: 1_001 }, () => REF) }],
    ['topic', { group: 'g', partitions: [{ topic: '..', partition: 0 }] }],
    ['partition', { group: 'g', partitions: [{ topic: 'orders', partition: -1 }] }],
  ])('refuses %s', async (field, request) => {
    expect(await refusedField(wire.at('n1').fetchOffsets(request))).toBe(field);
  });

  it('leaves partitions out that have no committed offset, and keeps the order asked for', async () => {
    await wire.at('n1').createTopic({ topic: 'spread', partitions: 4 });
    const offsets = [3, 0].map((partition) => ({ topic: 'spread', partition, offset: partition + 1 }));
    await wire.at('n2').commitOffsets({ group: 'g', offsets });
    const partitions = [3, 2, 1, 0].map((partition) => ({ topic: 'spread', partition }));
    expect((await wire.at('n3').fetchOffsets({ group: 'g', partitions })).offsets).toEqual(offsets);
  });

  it('knows no such partition', async () => {
    const request = { group: 'g', partitions: [{ topic: 'orders', partition: 5 }] };
    expect((await failure(wire.at('n2').fetchOffsets(request))).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});
