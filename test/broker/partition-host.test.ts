import { configInForce } from '../../src/cluster/topic-config.js';
import { describe, expect, it } from 'vitest';
import { PartitionHost } from '../../src/broker/partition-host.js';
import { noLeader } from '../../src/broker/refusals.js';
import { asGroupId, asLogIndex, ENTRY_KIND } from '../../src/raft/types.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { readBatchHeader } from '../../src/records/batch-header.js';
import { asOffset, type Offset } from '../../src/records/offset.js';
import { offsetCommit } from '../log/entries.js';
import { ManualClock } from './manual-clock.js';
import { rejection, Watched } from './outcomes.js';
import { PLACEMENT, Replica } from './replica.js';

const TIMEOUT_MS = 500;
const ASSIGNMENT = {
  topic: 'orders',
  partition: 2,
  group: asGroupId(1),
  ...PLACEMENT,
};

function batchOf(count: number): Uint8Array {
  const record = { key: undefined, value: new Uint8Array(4), headers: [], timestampMs: 1 };
  return encodeRecordBatch(Array.from({ length: count }, () => record));
}

class Rig {
  readonly clock = new ManualClock();
  readonly partition = new PartitionHost(
    ASSIGNMENT,
    this.clock,
    () => noLeader(ASSIGNMENT),
    () => configInForce({}),
  );
  readonly replica = new Replica({ machine: this.partition, clock: this.clock });

  constructor() {
    this.partition.attach(this.replica.host);
    this.replica.lead();
  }

  /** Appends a batch of `count` records, which n2 has not confirmed. */
  produce(count: number, acks: 'none' | 'leader' | 'all' = 'all') {
    const batch = batchOf(count);
    return this.partition.produce(batch, readBatchHeader(batch), acks, TIMEOUT_MS, () => {
      this.replica.pump();
    });
  }

  async produced(count: number) {
    const done = this.produce(count);
    this.replica.ack('n2');
    return done;
  }

  delete(before: Offset | 'all') {
    return this.partition.deleteRecords(before, TIMEOUT_MS, () => {
      this.replica.pump();
    });
  }

  fetch(offset: number, waitMs = 0, bytesMax = 1_000_000) {
    return this.partition.fetch(offset, bytesMax, waitMs);
  }
}

function baseOffsets(batches: readonly Uint8Array[]): number[] {
  return batches.map((batch) => readBatchHeader(batch).baseOffset);
}

describe('PartitionHost', () => {
  describe('produce', () => {
    it('gives records dense offsets in the order of acceptance, whatever entries lie between', async () => {
      const rig = new Rig();
      expect(await rig.produced(3)).toEqual({ baseOffset: 0, term: 1, recordCount: 3, isDuplicate: false });
      rig.replica.host.propose(ENTRY_KIND.COMMIT_OFFSETS, offsetCommit(1, 'g', 1).payload);
      expect(await rig.produced(2)).toEqual({ baseOffset: 3, term: 1, recordCount: 2, isDuplicate: false });
      const first = rig.produce(1);
      const second = rig.produce(4);
      rig.replica.ack('n3');
      expect([(await first).baseOffset, (await second).baseOffset]).toEqual([5, 6]);
      expect(rig.partition.log.logEndOffset).toBe(10);
    });

    it('stamps offset and term into the stored batch', async () => {
      const rig = new Rig();
      await rig.produced(3);
      await rig.produced(1);
      const { batches } = await rig.fetch(0);
      const headers = batches.map(readBatchHeader);
      expect(headers.map(({ baseOffset, leaderEpoch }) => [baseOffset, leaderEpoch])).toEqual([
        [0, 1],
        [3, 1],
      ]);
    });

    it('answers acks none at once, without an offset, and leaves no timer', async () => {
      const rig = new Rig();
      expect(await rig.produce(1, 'none')).toEqual({
        baseOffset: undefined,
        term: 1,
        recordCount: 1,
        isDuplicate: false,
      });
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it("answers acks leader when the leader's disk has it, acks all when a quorum has", async () => {
      const rig = new Rig();
      const leader = new Watched(rig.produce(1, 'leader'));
      const all = new Watched(rig.produce(1, 'all'));
      expect((await leader.outcome()).state).toBe('resolved');
      expect((await all.outcome()).state).toBe('pending');
      rig.replica.ack('n2');
      expect((await all.outcome()).state).toBe('resolved');
    });

    it('appends nothing when it is refused', async () => {
      const rig = new Rig();
      rig.replica.follow('n2', 2);
      const error = await rejection(rig.produce(1));
      expect([error.reason, rig.partition.log.logEndOffset]).toEqual(['NO_LEADER', 0]);
    });
  });

  describe('deleteRecords', () => {
    it('stores below which offset, and answers with it once a quorum has that', async () => {
      const rig = new Rig();
      await rig.produced(5);
      const deleted = new Watched(rig.delete(asOffset(3)));
      expect(await deleted.outcome()).toEqual({ state: 'pending' });
      expect(rig.replica.raft.lastIndex).toBe(3);
      rig.replica.ack('n2');
      expect(await deleted.outcome()).toEqual({ state: 'resolved', value: 3 });
      const all = rig.delete('all');
      rig.replica.ack('n2');
      expect(await all).toBe(5);
    });

    it('refuses an offset beyond the high watermark, though the leader has the record', async () => {
      const rig = new Rig();
      await rig.produced(2);
      void rig.produce(1).catch(() => undefined);
      const error = await rejection(rig.delete(asOffset(3)));
      expect([error.reason, error.metadata['high_watermark']]).toEqual(['OFFSET_OUT_OF_RANGE', '2']);
    });

    it('stores nothing when the log begins there already', async () => {
      const rig = new Rig();
      const before = rig.replica.raft.lastIndex;
      expect([await rig.delete(asOffset(0)), await rig.delete('all')]).toEqual([0, 0]);
      expect(rig.replica.raft.lastIndex).toBe(before);
    });
  });

  describe('fetch', () => {
    it('returns what is committed and nothing beyond the high watermark', async () => {
      const rig = new Rig();
      await rig.produced(2);
      rig.produce(2).catch(() => undefined);
      const { batches, highWatermark, logStartOffset } = await rig.fetch(0);
      expect([baseOffsets(batches), highWatermark, logStartOffset]).toEqual([[0], 2, 0]);
    });

    it('begins with the batch that holds the offset, and skips entries without records', async () => {
      const rig = new Rig();
      for (const count of [3, 2, 4]) {
        rig.replica.host.propose(ENTRY_KIND.COMMIT_OFFSETS, offsetCommit(1, 'g', 1).payload);
        await rig.produced(count);
      }
      expect(baseOffsets((await rig.fetch(4)).batches)).toEqual([3, 5]);
    });

    it('is bounded in bytes, but for the first batch', async () => {
      const rig = new Rig();
      for (const count of [1, 1, 1]) await rig.produced(count);
      expect(baseOffsets((await rig.fetch(0, 0, 1)).batches)).toEqual([0]);
      const size = batchOf(1).length;
      expect(baseOffsets((await rig.fetch(0, 0, 2 * size)).batches)).toEqual([0, 1]);
    });

    it('does not wait unless asked, and returns nothing at the log end', async () => {
      const rig = new Rig();
      await rig.produced(2);
      expect((await rig.fetch(2)).batches).toEqual([]);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('wakes a long poll when the high watermark passes its offset, not at the append', async () => {
      const rig = new Rig();
      await rig.produced(2);
      const poll = new Watched(rig.fetch(2, 10_000));
      rig.produce(1).catch(() => undefined);
      expect((await poll.outcome()).state).toBe('pending');
      rig.replica.ack('n2');
      const outcome = await poll.outcome();
      expect(outcome.state === 'resolved' && baseOffsets(outcome.value.batches)).toEqual([2]);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('keeps a poll waiting that asks for an offset further on', async () => {
      const rig = new Rig();
      rig.produce(1).catch(() => undefined);
      rig.produce(1).catch(() => undefined);
      const poll = new Watched(rig.fetch(1, 10_000));
      rig.replica.ack('n2', asLogIndex(2));
      expect((await poll.outcome()).state).toBe('pending');
      rig.replica.ack('n2');
      expect((await poll.outcome()).state).toBe('resolved');
    });

    it('ends a long poll with nothing after its wait', async () => {
      const rig = new Rig();
      const poll = rig.fetch(0, 250);
      rig.clock.advance(250);
      expect(await poll).toEqual({ batches: [], highWatermark: 0, logStartOffset: 0 });
    });

    it('refuses an offset beyond the log end, at the leader, with both ends in the metadata', async () => {
      const rig = new Rig();
      await rig.produced(2);
      const error = await rejection(rig.fetch(3));
      expect(error.reason).toBe('OFFSET_OUT_OF_RANGE');
      expect(error.metadata).toEqual({
        topic: 'orders',
        partition: '2',
        offset: '3',
        log_start_offset: '0',
        log_end_offset: '2',
        high_watermark: '2',
      });
    });

    it('lets a reader wait at a follower for records that it has seen at the leader', async () => {
      const rig = new Rig();
      await rig.produced(1);
      rig.replica.follow('n2', 2);
      expect(await rig.fetch(7)).toMatchObject({ batches: [], highWatermark: 1 });
    });
  });

  it('applies an offset commit when it is committed, not when it is appended', async () => {
    const rig = new Rig();
    const commit = { group: 'group', offset: asOffset(12), generation: undefined, claim: false };
    const done = rig.partition.commitOffset(commit, TIMEOUT_MS, () => rig.replica.pump());
    expect(rig.partition.log.committedOffset('group')).toBeUndefined();
    rig.replica.ack('n3');
    expect(await done).toBe(2);
    expect(rig.partition.log.committedOffset('group')?.offset).toBe(12);
  });
});
