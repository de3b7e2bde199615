import { afterEach, describe, expect, it } from 'vitest';
import { listOffset, type ListedOffset, type OffsetPosition } from '../../src/broker/data.js';
import { commitOffsets, fetchOffsets } from '../../src/broker/offsets.js';
import { confirmed } from '../../src/broker/reads.js';
import { noLeader } from '../../src/broker/refusals.js';
import { asLogIndex } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';
import { IDLE_MACHINE, Replica } from './replica.js';

const TIMEOUT_MS = 500;
const SUBJECT = { topic: 'orders', partition: 0 };

class Rig extends Replica {
  read(): Promise<void> {
    const woken = (): void => {
      this.pump();
    };
    const read = { group: this.host, subject: SUBJECT, elsewhere: () => noLeader(SUBJECT), woken };
    const done = confirmed(this.clock, read, TIMEOUT_MS);
    done.catch(() => undefined);
    return done;
  }
}

function leading(options: ConstructorParameters<typeof Rig>[0] = {}): Rig {
  const rig = new Rig(options);
  rig.lead();
  return rig;
}

describe('confirmed', () => {
  it('resolves when a quorum has confirmed the leader, not before, with all of it applied', async () => {
    const applied: number[] = [];
    const rig = leading({ machine: { ...IDLE_MACHINE, committedTo: (index) => applied.push(index) } });
    const done = rig.read();
    const watched = new Watched(done);
    expect(await watched.outcome()).toEqual({ state: 'pending' });
    rig.ack('n2');
    expect(await watched.outcome()).toMatchObject({ state: 'resolved' });
    expect([applied.at(-1), rig.clock.pendingTimers]).toEqual([rig.raft.commitIndex, 0]);
  });

  it('waits for the first entry of the term (B28)', async () => {
    const rig = new Rig();
    rig.start().elect();
    const watched = new Watched(rig.read());
    rig.ack('n2', asLogIndex(0));
    expect(await watched.outcome()).toEqual({ state: 'pending' });
    rig.ack('n2');
    rig.ack('n2');
    expect(await watched.outcome()).toMatchObject({ state: 'resolved' });
  });

  it('rejects, certainly not applied, when this replica stops leading meanwhile', async () => {
    const rig = leading();
    const done = rig.read();
    rig.follow('n2', 2);
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['NO_LEADER', 'NOT_APPLIED']);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('rejects with REQUEST_TIMEOUT while this replica leads and nobody answers', async () => {
    const rig = leading();
    const done = rig.read();
    rig.clock.advance(TIMEOUT_MS);
    const error = await rejection(done);
    expect([error.reason, error.metadata['timeout_ms']]).toEqual(['REQUEST_TIMEOUT', String(TIMEOUT_MS)]);
    rig.ack('n2');
  });

  const refusals: [string, string, (rig: Rig) => unknown][] = [
    ['NO_LEADER', 'this replica does not lead', (rig) => rig.follow('n2', 2)],
    [
      'NOT_ENOUGH_REPLICAS',
      'the leader hears no quorum',
      (rig) => ['n2', 'n3'].forEach((peer) => rig.raft.peerDown(rig.nowMs, peer)),
    ],
    ['TOO_MANY_READS', 'too many wait', (rig) => rig.read()],
  ];

  it.each(refusals)('refuses with %s when %s', async (reason, _when, arrange) => {
    const rig = leading({ tuning: { waitingReadsMax: 1 } });
    arrange(rig);
    const timers = rig.clock.pendingTimers;
    const error = await rejection(rig.read());
    expect([error.reason, error.outcome]).toEqual([reason, 'NOT_APPLIED']);
    expect(rig.clock.pendingTimers).toBe(timers);
  });
});

describe('listing the latest offset', () => {
  let cluster: MiniCluster;

  afterEach(() => {
    cluster.close();
  });

  async function withTopic(): Promise<void> {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders' });
    await cluster.elected('orders');
  }

  function list(via: string, at: OffsetPosition = 'latest', timeoutMs = 5_000): Promise<ListedOffset> {
    return listOffset(cluster.at(via).broker, { topic: 'orders', partition: 0, at }, timeoutMs);
  }

  it('covers every record acknowledged before (I18)', async () => {
    await withTopic();
    for (let i = 1; i <= 5; i++) {
      await cluster.produced('n1', 'orders', `v${String(i)}`);
      expect(await cluster.answer(list('n1'))).toEqual({ offset: i, term: 1 });
    }
    expect(await cluster.answer(list('n1', 'earliest'))).toEqual({ offset: 0, term: 1 });
  });

  it('writes nothing', async () => {
    await withTopic();
    await cluster.run(100);
    const syncs = () => cluster.ids.map((id) => cluster.disk(id).syncCount);
    const before = syncs();
    await cluster.answer(list('n1'));
    await cluster.run(1_000);
    expect(syncs()).toEqual(before);
  });

  it('is refused with a hint by a broker that does not lead', async () => {
    await withTopic();
    for (const at of ['latest', 'earliest'] as const) {
      const error = await rejection(cluster.answer(list('n2', at)));
      expect([error.reason, error.leaderHint?.leader]).toEqual(['NOT_LEADER', 'n1']);
    }
  });

  it('is never answered by a leader that was replaced and does not know it (I18)', async () => {
    await withTopic();
    await cluster.produced('n1', 'orders', 'old');
    // Nothing that n1 sends arrives, and nobody is told.
    for (const peer of ['n2', 'n3']) cluster.network.silence('n1', peer);
    const early = new Watched(list('n1'));
    const successor = await cluster.elected('orders', 0, ['n1']);
    await cluster.produced(successor, 'orders', 'new');
    const late = new Watched(list('n1'));
    await cluster.until(() => early.now.state !== 'pending' && late.now.state !== 'pending');
    expect(early.now).toMatchObject({ state: 'rejected' });
    expect(late.now).toMatchObject({ state: 'rejected' });
    expect((await cluster.answer(list(successor))).offset).toBe(2);
  });

  it('of a committed offset neither: it would tell an older one (I18)', async () => {
    await withTopic();
    const offsetOf = (via: string) =>
      fetchOffsets(cluster.at(via).broker, 'g', [{ topic: 'orders', partition: 0 }], 5_000);
    const commit = (via: string, offset: number) =>
      cluster.answer(
        commitOffsets(cluster.at(via).broker, 'g', [{ topic: 'orders', partition: 0, offset }], 5_000),
      );
    await commit('n1', 1);
    expect(await cluster.answer(offsetOf('n1'))).toMatchObject([{ offset: 1 }]);
    for (const peer of ['n2', 'n3']) cluster.network.silence('n1', peer);
    const successor = await cluster.elected('orders', 0, ['n1']);
    await commit(successor, 2);
    const late = new Watched(offsetOf('n1'));
    await cluster.until(() => late.now.state !== 'pending');
    expect(late.now).toMatchObject({ state: 'rejected' });
    expect(await cluster.answer(offsetOf(successor))).toMatchObject([{ offset: 2 }]);
  });

  it('is answered again after a failover, by the new leader, with all that the old one acknowledged', async () => {
    await withTopic();
    for (const value of ['a', 'b', 'c']) await cluster.produced('n1', 'orders', value);
    cluster.crash('n1');
    const leader = await cluster.elected('orders');
    expect((await cluster.answer(list(leader))).offset).toBe(3);
  });
});
