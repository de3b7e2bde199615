import { beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER_SUBJECT, ClusterHost, spreads } from '../../src/broker/cluster-host.js';
import { noLeader } from '../../src/broker/refusals.js';
import type { ClusterChange } from '../../src/cluster/cluster-types.js';
import { type ClusterCommand, decodeResult, encodeCommand } from '../../src/cluster/commands.js';
import { asLogIndex, asTerm, type Entry, ENTRY_KIND } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';
import { rejection, Watched } from './outcomes.js';
import { Replica } from './replica.js';

const TIMEOUT_MS = 3_000;

function createTopic(topic: string): ClusterCommand {
  // Without partitions, so that no broker needs to be registered.
  return { kind: 'createTopic', topic, replicationFactor: 3, assignments: [] };
}

class Rig {
  readonly clock = new ManualClock();
  readonly changes: ClusterChange[] = [];
  readonly cluster = new ClusterHost(this.clock, {
    changed: (changes) => this.changes.push(...changes),
    restored: () => undefined,
  });
  readonly replica = new Replica({ group: 0, machine: this.cluster, clock: this.clock });

  constructor() {
    this.cluster.attach(this.replica.host);
  }

  pass(): void {
    this.replica.pump();
    this.cluster.advanced(() => this.replica.pump());
  }

  /** Leads, has named the cluster, and both followers know all that is committed. */
  lead(): this {
    this.replica.lead();
    this.pass();
    this.settleAll();
    return this;
  }

  /** Both followers take everything, and then hear that it is committed. */
  settleAll(peers: readonly string[] = ['n2', 'n3']): void {
    for (let round = 0; round < 2; round++) {
      for (const peer of peers) this.replica.ack(peer);
    }
    this.pass();
  }

  append(command: ClusterCommand, timeoutMs = TIMEOUT_MS) {
    const elsewhere = () => noLeader(CLUSTER_SUBJECT);
    const done = this.cluster.append(
      { payload: encodeCommand(command), spreads: spreads(command) },
      timeoutMs,
      elsewhere,
      () => {
        this.pass();
      },
    );
    done.catch(() => undefined);
    return done;
  }
}

describe('ClusterHost', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  describe('naming', () => {
    it('names a new cluster once its first controller has committed in its term', () => {
      rig.replica.start().elect();
      rig.pass();
      expect(rig.replica.raft.lastIndex).toBe(1);
      rig.replica.ack('n2');
      rig.pass();
      rig.replica.ack('n2');
      expect(rig.cluster.state.clusterId).toMatch(/^[0-9a-f-]{36}$/);
      rig.pass();
      expect(rig.replica.raft.lastIndex).toBe(2);
    });

    it('tries again in the same term when the proposal was refused', () => {
      rig.replica.start().elect();
      rig.replica.ack('n2');
      for (const peer of ['n2', 'n3']) rig.replica.raft.peerDown(rig.replica.nowMs, peer);
      rig.pass();
      expect(rig.replica.raft.role).toBe('leader');
      for (const peer of ['n2', 'n3']) rig.replica.raft.peerUp(rig.replica.nowMs, peer);
      rig.pass();
      rig.settleAll();
      expect(rig.cluster.state.clusterId).not.toBe('');
    });

    it('keeps the name that an earlier controller gave', () => {
      rig.lead();
      const name = rig.cluster.state.clusterId;
      rig.replica.follow('n2', 2);
      rig.replica.raft.leaderResigned(rig.replica.nowMs, 'n2', asTerm(2));
      rig.replica.elect('n3');
      rig.settleAll();
      expect(rig.replica.raft.role).toBe('leader');
      expect(rig.cluster.state.clusterId).toBe(name);
    });
  });

  describe('append', () => {
    beforeEach(() => {
      rig.lead();
    });

    it('resolves with the result once every live broker is known to have applied the command', async () => {
      const done = new Watched(rig.append(createTopic('a')));
      rig.replica.ack('n2');
      rig.pass();
      expect((await done.outcome()).state).toBe('pending');
      rig.settleAll();
      const outcome = await done.outcome();
      expect(outcome.state === 'resolved' && decodeResult(outcome.value.result)).toEqual({ ok: true });
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('does not wait for a broker that is not heard from', async () => {
      rig.replica.raft.peerDown(rig.replica.nowMs, 'n3');
      const done = new Watched(rig.append(createTopic('a')));
      rig.settleAll(['n2']);
      expect((await done.outcome()).state).toBe('resolved');
    });

    it('waits for a slow broker a while only, and never beyond the time that the caller has', async () => {
      const patient = new Watched(rig.append(createTopic('a')));
      const hasty = new Watched(rig.append(createTopic('b'), 80));
      rig.settleAll(['n2']);
      await hasty.outcome();
      rig.clock.advance(80);
      expect((await hasty.outcome()).state).toBe('resolved');
      expect((await patient.outcome()).state).toBe('pending');
      rig.clock.advance(420);
      expect((await patient.outcome()).state).toBe('resolved');
    });

    it('passes on what the state machine refused', async () => {
      const done = [rig.append(createTopic('a')), rig.append(createTopic('a'))];
      rig.replica.ack('n2');
      rig.settleAll();
      const results = (await Promise.all(done)).map(({ result }) => decodeResult(result));
      expect(results).toMatchObject([{ ok: true }, { ok: false, reason: 'TOPIC_ALREADY_EXISTS' }]);
    });

    it('rejects as not applied when another command was committed in its place', async () => {
      const done = rig.append(createTopic('a'));
      const index = rig.replica.raft.lastIndex;
      rig.replica.follow('n2', 2, [command(index, 2, createTopic('b'))], index);
      const error = await rejection(done);
      expect([error.reason, error.outcome]).toEqual(['NO_LEADER', 'NOT_APPLIED']);
      expect([...rig.cluster.state.topics.keys()]).toEqual(['b']);
    });

    it('tells a command from an earlier one of its own that was lost at the same index', async () => {
      const lost = ['x', 'y', 'z'].map((topic) => rig.append(createTopic(topic)));
      const first = asLogIndex(rig.replica.raft.lastIndex - 2);
      // n2 replaces the first of them by its no-op, and is lost; this broker leads again behind it.
      const noop = { index: first, term: asTerm(2), kind: ENTRY_KIND.NOOP, payload: new Uint8Array(0) };
      rig.replica.follow('n2', 2, [noop]);
      rig.replica.raft.leaderResigned(rig.replica.nowMs, 'n2', asTerm(2));
      rig.replica.elect('n3');
      rig.replica.ack('n3', first);
      const done = rig.append(createTopic('kept'));
      expect(rig.replica.raft.lastIndex).toBe(first + 2);
      rig.settleAll();
      expect(decodeResult((await done).result)).toEqual({ ok: true });
      for (const each of lost) expect((await rejection(each)).outcome).toBe('NOT_APPLIED');
      expect([...rig.cluster.state.topics.keys()]).toEqual(['kept']);
    });
  });

  describe('applied', () => {
    it('tells whether this broker has applied an index in time', async () => {
      rig.replica.start();
      const late = rig.cluster.applied(asLogIndex(1), 100);
      const soon = rig.cluster.applied(asLogIndex(1), 500);
      rig.clock.advance(100);
      rig.replica.follow('n2', 1, [command(1, 1, createTopic('a'))], 1);
      expect(await Promise.all([late, soon])).toEqual([false, true]);
      expect(await rig.cluster.applied(asLogIndex(1), 0)).toBe(true);
      expect(rig.clock.pendingTimers).toBe(0);
    });
  });

  it('applies commands in order and once, as they are committed', () => {
    rig.replica.start();
    const entries = ['a', 'b', 'c'].map((topic, i) => command(i + 1, 1, createTopic(topic)));
    rig.replica.follow('n2', 1, entries, 1);
    const created = () =>
      rig.changes.map((change) => (change.kind === 'topicCreated' ? change.topic.topic : change.kind));
    expect(created()).toEqual(['a']);
    rig.replica.follow('n2', 1, [], 3);
    expect(created()).toEqual(['a', 'b', 'c']);
  });
});

function command(index: number, term: number, content: ClusterCommand): Entry {
  const kind = ENTRY_KIND.CLUSTER_COMMAND;
  return { index: asLogIndex(index), term: asTerm(term), kind, payload: encodeCommand(content) };
}
