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
    ['generation', { group: 'g', offsets: [{ ...REF, offset: 1 }], generation: -1 }],
    ['claim', { group: 'g', offsets: [{ ...REF, offset: 1 }], claim: true }],
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
        expect(offsets).toMatchObject([{ ...REF, offset }]);
      }
    }
  });

  it('lets the last commit of a partition win, also to a lower offset', async () => {
    for (const offset of [9, 4, 0]) {
      await wire.at('n2').commitOffsets({ group: 'back', offsets: [{ ...REF, offset }] });
    }
    const { offsets } = await wire.at('n3').fetchOffsets({ group: 'back', partitions: [REF] });
    expect(offsets).toMatchObject([{ ...REF, offset: 0 }]);
  });

  it('takes any name of a group, and any offset that a number can hold', async () => {
    const group = 'grüße 消费者 🐑';
    const offset = Number.MAX_SAFE_INTEGER;
    await wire.at('n2').commitOffsets({ group, offsets: [{ ...REF, offset }] });
    const { offsets } = await wire.at('n1').fetchOffsets({ group, partitions: [REF] });
    expect(offsets).toMatchObject([{ ...REF, offset }]);
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

describe('CommitOffsets with generations', () => {
  const commit = (offset: number, committer: { generation?: number; claim?: boolean }, via = 'n1') =>
    wire.at(via).commitOffsets({ group: 'fenced', offsets: [{ ...REF, offset }], ...committer });

  it('refuses a member that was replaced, through any broker, and changes nothing', async () => {
    await commit(1, { generation: 4, claim: true });
    await commit(2, { generation: 4 });
    for (const via of BROKERS) {
      for (const committer of [{ generation: 3 }, { generation: 4, claim: true }, {}]) {
        const refusal = await failure(commit(9, committer, via));
        expect([refusal.reason, refusal.outcome]).toEqual(['FENCED_GENERATION', 'NOT_APPLIED']);
        expect(refusal.metadata).toMatchObject({
          ...REF,
          partition: '0',
          group: 'fenced',
          stored_generation: '4',
        });
      }
    }
    const { offsets } = await wire.at('n2').fetchOffsets({ group: 'fenced', partitions: [REF] });
    expect(offsets).toMatchObject([{ offset: 2, generation: 4 }]);
  });

  it('lets one of those win that claim the same generation at the same time', async () => {
    const claims = BROKERS.map((via, i) => commit(10 + i, { generation: 7, claim: true }, via));
    const outcomes = await Promise.allSettled(claims);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('says how many partitions refused, and stores in the others', async () => {
    await wire.at('n1').createTopic({ topic: 'mixed', partitions: 2 });
    const [first, second] = [0, 1].map((partition) => ({ topic: 'mixed', partition, offset: 1 }));
    const group = 'half';
    await wire.at('n1').commitOffsets({ group, offsets: first ? [first] : [], generation: 2 });
    const offsets = [first, second].flatMap((each) => each ?? []);
    const refusal = await failure(wire.at('n1').commitOffsets({ group, offsets, generation: 1 }));
    expect(refusal.metadata).toMatchObject({ partition: '0', refused: '1', offsets: '2' });
    const stored = await wire.at('n2').fetchOffsets({ group, partitions: offsets });
    expect(stored.offsets).toMatchObject([{ generation: 2 }, { generation: 1 }]);
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

  it('tells the generation of a commit and when the leader took it', async () => {
    const beforeMs = Date.now();
    await wire.at('n2').commitOffsets({ group: 'counted', offsets: [{ ...REF, offset: 4 }], generation: 0 });
    const { offsets } = await wire.at('n3').fetchOffsets({ group: 'counted', partitions: [REF] });
    expect(offsets).toMatchObject([{ ...REF, offset: 4, generation: 0 }]);
    expect(offsets[0]?.committedAtMs).toBeGreaterThanOrEqual(beforeMs);
    expect(offsets[0]?.committedAtMs).toBeLessThanOrEqual(Date.now());
  });

  it('leaves partitions out that have no committed offset, and keeps the order asked for', async () => {
    await wire.at('n1').createTopic({ topic: 'spread', partitions: 4 });
    const offsets = [3, 0].map((partition) => ({ topic: 'spread', partition, offset: partition + 1 }));
    await wire.at('n2').commitOffsets({ group: 'g', offsets });
    const partitions = [3, 2, 1, 0].map((partition) => ({ topic: 'spread', partition }));
    expect((await wire.at('n3').fetchOffsets({ group: 'g', partitions })).offsets).toMatchObject(offsets);
  });

  it('knows no such partition', async () => {
    const request = { group: 'g', partitions: [{ topic: 'orders', partition: 5 }] };
    expect((await failure(wire.at('n2').fetchOffsets(request))).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});
