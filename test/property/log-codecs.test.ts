/**
 * What stands in entries and snapshots: it reads back as it was written, and bytes that were changed or cut
 * are refused, or read as another value of the same form; never as something that breaks later. (The journal's
 * checksums keep such bytes out; these are the second line.)
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type ClusterCommand, decodeCommand, encodeCommand } from '../../src/cluster/commands.js';
import { TOPIC_CONFIG_NAMES, type TopicOverrides } from '../../src/cluster/topic-config.js';
import { InvariantError } from '../../src/invariant.js';
import { decodeDeleteRecords, encodeDeleteRecords } from '../../src/log/delete-records.js';
import { decodeOffsetCommit, encodeOffsetCommit } from '../../src/log/offset-commit.js';
import {
  decodePartitionSnapshot,
  encodePartitionSnapshot,
  type PartitionSnapshot,
} from '../../src/log/partition-snapshot.js';
import type { ProducerWindow } from '../../src/log/producer-state.js';
import { decodeMembership, encodeMembership } from '../../src/raft/membership.js';
import { asGroupId, asLogIndex, asTerm } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';

interface Codec<T> {
  readonly name: string;
  readonly values: fc.Arbitrary<T>;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

const offset = fc.maxSafeNat().map(asOffset);
const index = fc.maxSafeNat().map(asLogIndex);
const broker = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/);
const brokers = fc.uniqueArray(broker, { maxLength: 7, size: 'max' });
const text = fc.string({ unit: 'binary', maxLength: 40 });

const sequence = fc.nat(2 ** 31 - 1);
const producer: fc.Arbitrary<ProducerWindow> = fc.record({
  epoch: fc.nat(32_767),
  batches: fc.array(
    fc.record({
      firstSequence: sequence,
      lastSequence: sequence,
      baseOffset: offset,
      term: fc.nat(2 ** 31 - 1).map(asTerm),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});
const stored = {
  offset,
  generation: fc.option(fc.nat(2_147_483_647), { nil: undefined }),
  committedAtMs: fc.maxSafeNat(),
};
const overrides: fc.Arbitrary<TopicOverrides> = fc.record(
  { retention_ms: fc.integer({ min: -1 }), min_insync_replicas: fc.integer({ min: 1, max: 7 }) },
  { requiredKeys: [] },
);

const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
  fc.record({ kind: fc.constant('initCluster' as const), clusterId: text }),
  fc.record({
    kind: fc.constant('registerBroker' as const),
    id: broker,
    incarnation: text,
    address: text,
    peerAddress: text,
    rack: text,
  }),
  fc.record({ kind: fc.constant('takeProducerIds' as const), count: fc.nat() }),
  fc.record({ kind: fc.constant('addBroker' as const), id: broker, peerAddress: text }),
  fc.record({
    kind: fc.constant('createTopic' as const),
    topic: text,
    replicationFactor: fc.nat(7),
    assignments: fc.array(brokers, { maxLength: 3 }),
    config: overrides,
  }),
  fc.record({
    kind: fc.constant('alterTopicConfig' as const),
    topic: text,
    set: overrides,
    reset: fc.subarray([...TOPIC_CONFIG_NAMES]),
  }),
  fc.record({
    kind: fc.constant('reassignPartition' as const),
    topic: text,
    partition: fc.nat(10_000),
    replicas: brokers,
  }),
  fc.record({
    kind: fc.constant('membershipChanged' as const),
    group: fc.nat().map(asGroupId),
    index,
    voters: brokers,
    learners: brokers,
  }),
);

const CODECS = [
  codec({
    name: 'an offset commit',
    values: fc.record({ group: text, claim: fc.boolean(), ...stored }),
    encode: encodeOffsetCommit,
    decode: decodeOffsetCommit,
  }),
  codec({
    name: 'a deletion of records',
    values: fc.record({ beforeOffset: offset }),
    encode: encodeDeleteRecords,
    decode: decodeDeleteRecords,
  }),
  codec({
    name: 'a membership',
    values: brokers.chain((all) =>
      fc.nat(7).map((at) => ({ voters: all.slice(0, at), learners: all.slice(at) })),
    ),
    encode: encodeMembership,
    decode: decodeMembership,
  }),
  codec({
    name: "a partition's snapshot",
    values: fc
      .record({
        appliedIndex: index,
        logStartOffset: offset,
        baseOffset: offset,
        committedOffsets: fc.array(fc.tuple(text, fc.record(stored)), { maxLength: 8 }),
        producers: fc.array(fc.tuple(offset, producer), { maxLength: 8 }),
      })
      // What is gone was deleted, so it ends at or below the log start.
      .filter(({ baseOffset, logStartOffset }) => baseOffset <= logStartOffset)
      .map((drawn): PartitionSnapshot => ({
        ...drawn,
        committedOffsets: new Map(drawn.committedOffsets),
        producers: new Map(drawn.producers),
      })),
    encode: encodePartitionSnapshot,
    decode: decodePartitionSnapshot,
  }),
  codec({ name: 'a cluster command', values: command, encode: encodeCommand, decode: decodeCommand }),
];

describe.each(CODECS)('$name', ({ readsBack, refusesOrReads }) => {
  it('reads back as it was written', readsBack);

  it('with a byte changed, or cut, is refused or is another one', refusesOrReads);
});

function codec<T>({ name, values, encode, decode }: Codec<T>) {
  const roundTrip = fc.property(values, (value) => {
    expect(decode(encode(value))).toEqual(value);
  });
  const refuseOrRead = fc.property(
    values,
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
    (value, at, change) => {
      const bytes = encode(value);
      const place = at % bytes.length;
      const changed = bytes.slice();
      changed[place] = (changed[place] ?? 0) ^ change;
      for (const damaged of [changed, bytes.slice(0, place)]) {
        const read = tryTo(() => decode(damaged));
        if (read === undefined) continue;
        // What was read is a value of the form: it can be written, and is the same again.
        expect(decode(encode(read))).toEqual(read);
      }
    },
  );
  return {
    name,
    readsBack: () => {
      fc.assert(roundTrip);
    },
    refusesOrReads: () => {
      fc.assert(refuseOrRead, { numRuns: 400 });
    },
  };
}

/** Undefined when it is refused in one of the ways that the callers know. */
function tryTo<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvariantError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
