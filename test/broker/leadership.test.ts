/** Each way to lose a leader, as the history tells it: cause, phases, who led before; on every broker the same. */

import { afterEach, describe, expect, it } from 'vitest';
import type { BellwetherError } from '../../src/errors.js';
import type { LeadershipChange } from '../../src/cluster/leadership-change.js';
import { LIMITS } from '../../src/broker/limits.js';
import type { Watch } from '../../src/broker/leadership-watches.js';
import { asGroupId, type BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';

const TOPIC = 'orders';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(partitions = 1): Promise<void> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: TOPIC, partitions });
  for (let partition = 0; partition < partitions; partition++) await cluster.elected(TOPIC, partition);
}

/** The newest change of a partition as one broker has it. */
function told(via: BrokerId, partition = 0): LeadershipChange | undefined {
  const group = cluster.group(TOPIC, partition);
  return cluster.at(via).broker.cluster.state.leadership.ofGroup(group)[0];
}

/** Waits until all running brokers tell the same of a new leader, and returns it. */
async function toldOf(leader: BrokerId, except: readonly BrokerId[] = []): Promise<LeadershipChange> {
  const asked = (): readonly BrokerId[] =>
    cluster.members.filter(({ id, fatal }) => !except.includes(id) && fatal.length === 0).map(({ id }) => id);
  const sequences = (): readonly unknown[] => asked().map((id) => told(id)?.sequence);
  await cluster.until(() => new Set(sequences()).size === 1 && told(leader)?.leader === leader);
  const [first, ...others] = asked().map((id) => told(id));
  for (const other of others) expect(other).toEqual(first);
  if (first === undefined) throw new Error('nobody tells anything');
  return first;
}

function failover(via: BrokerId, failedLeader: BrokerId, timeoutMs = 3_000, target?: BrokerId) {
  const { broker } = cluster.at(via);
  const request = { failedLeader, expectedTerm: undefined, target, maxBlockMs: 500, dryRun: false };
  return broker.failover.run(broker.assignment(TOPIC, 0), request, timeoutMs);
}

describe('the history tells', () => {
  it('of the first election of a partition', async () => {
    await withTopic();
    const change = await toldOf('n1');
    expect(change).toMatchObject({ cause: 'CREATED', previousLeader: '', previousTerm: 0, topic: TOPIC });
    expect([change.detectUs, change.electUs, change.blockedUs]).toEqual([undefined, undefined, undefined]);
    expect(change.commitUs).toBeGreaterThan(0);
  });

  it('of the group that keeps the history itself', async () => {
    await withTopic();
    const ofCluster = (id: BrokerId) =>
      cluster
        .at(id)
        .broker.cluster.state.leadership.ofGroup(asGroupId(0))
        .map(({ leader }) => leader);
    await cluster.until(() => ofCluster('n2').length === 1);
    const [controller = ''] = ofCluster('n2');
    cluster.crash(controller);
    const [other = ''] = cluster.members.map(({ id }) => id);
    await cluster.until(() => ofCluster(other).length === 2);
    expect(cluster.at(other).broker.cluster.state.leadership.ofGroup(asGroupId(0))[0]).toMatchObject({
      topic: '__cluster',
      partition: 0,
      cause: 'CONNECTION_LOST',
      previousLeader: controller,
    });
  });

  it('of a crash: the last sign of life, the election, the first commit, the first write', async () => {
    await withTopic();
    const before = await toldOf('n1');
    await cluster.run(100);
    const crashedMs = cluster.clock.monotonicMs();
    cluster.crash('n1');
    const successor = await cluster.elected(TOPIC);
    const ledMs = cluster.clock.monotonicMs();
    const change = await toldOf(successor);
    expect(change).toMatchObject({
      cause: 'CONNECTION_LOST',
      previousLeader: 'n1',
      previousTerm: before.term,
      blockedUs: undefined,
      firstWriteUs: undefined,
    });
    // The last heartbeat was confirmed at most a beat and a round trip before the crash.
    expect(change.detectUs).toBeLessThan(1_000 * (LIMITS.heartbeatIntervalMs + 5));
    const phasesUs = (change.electUs ?? NaN) + change.commitUs;
    expect(phasesUs).toBeGreaterThan(0);
    expect(phasesUs).toBeLessThanOrEqual(1_000 * (ledMs - crashedMs) + 1);

    await cluster.run(50);
    await cluster.produced(successor, TOPIC, 'the first write');
    await cluster.produced(successor, TOPIC, 'the second');
    await cluster.until(() => told(successor)?.firstWriteUs !== undefined);
    expect(told(successor)?.firstWriteUs).toBeGreaterThanOrEqual(50_000);
    expect(told(successor)?.sequence).toBe(change.sequence);
  });

  it('of no first write that came too late to say anything', async () => {
    await withTopic();
    await toldOf('n1');
    await cluster.run(LIMITS.firstWriteMsMax + 1);
    await cluster.produced('n1', TOPIC, 'much later');
    await cluster.run(500);
    expect((await toldOf('n1')).firstWriteUs).toBeUndefined();
  });

  it('of a leader that fell silent', async () => {
    await withTopic();
    for (const other of ['n2', 'n3']) {
      cluster.network.silence('n1', other);
      cluster.network.silence(other, 'n1');
    }
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor, ['n1']);
    expect(change).toMatchObject({ cause: 'HEARTBEAT_MISSED', previousLeader: 'n1', blockedUs: undefined });
    expect(change.detectUs).toBeGreaterThan(1_000 * 30);
    cluster.network.heal();
    // The one that it is about learns of it too.
    expect(await toldOf(successor)).toEqual(change);
  });

  it.each(['n1', 'n2', 'n3'])(
    'of a move that was asked of %s, which gets it with its answer',
    async (via) => {
      await withTopic();
      await toldOf('n1');
      const result = await cluster.answer(failover(via, 'n1'));
      const change = await toldOf(result.newLeader);
      expect(result.outcome).toBe('MOVED');
      expect(change).toMatchObject({ ...result.report, cause: 'REQUESTED', previousLeader: 'n1' });
      expect(change.detectUs).toBeUndefined();
      const { electUs = NaN, commitUs, blockedUs } = change;
      expect(blockedUs).toBeGreaterThanOrEqual(electUs + commitUs);
      expect(blockedUs).toBeLessThan(1_000 * 100);
    },
  );

  it('of a broker that was told to stop', async () => {
    await withTopic();
    await toldOf('n1');
    await cluster.answer(cluster.at('n1').broker.departure.run(2_000));
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor);
    expect(change).toMatchObject({ cause: 'SHUTDOWN', previousLeader: 'n1', detectUs: undefined });
    expect(change.blockedUs).toBeGreaterThan(0);
  });

  it('of a disk that did not answer', async () => {
    await withTopic();
    await toldOf('n1');
    cluster.disk('n1').holdSyncs = true;
    cluster.produce('n1', TOPIC, 'never on its disk').catch(() => undefined);
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor, ['n1']);
    expect(change).toMatchObject({ cause: 'DISK_STALLED', previousLeader: 'n1', blockedUs: undefined });
    cluster.disk('n1').holdSyncs = false;
    cluster.disk('n1').releaseSyncs();
  });

  it('of a replica that is moved to another broker', async () => {
    cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
    await cluster.createTopic('n1', { topic: TOPIC, replicationFactor: 3 });
    const leader = await cluster.elected(TOPIC);
    const { broker } = cluster.at('n1');
    const replicas = cluster.ids.filter((id) => id !== leader);
    const { submitCommand } = await import('../../src/broker/submit.js');
    await cluster.answer(
      submitCommand(broker, { kind: 'reassignPartition', topic: TOPIC, partition: 0, replicas }, 5_000),
    );
    const successor = await cluster.elected(TOPIC, 0, [leader]);
    expect(await toldOf(successor)).toMatchObject({ cause: 'REASSIGNED', previousLeader: leader });
  });

  it('of a leader that heard no quorum', async () => {
    await withTopic();
    await toldOf('n1');
    for (const id of ['n2', 'n3']) cluster.crash(id);
    await cluster.run(1_000);
    expect(cluster.at('n1').broker.group(cluster.group(TOPIC))?.raft.role).toBe('follower');
    for (const id of ['n2', 'n3']) await cluster.boot(id);
    const successor = await cluster.elected(TOPIC);
    const change = await toldOf(successor);
    // The others were started anew, and know the one before from the history.
    expect(change.cause).toBe(successor === 'n1' ? 'QUORUM_LOST' : 'RESTARTED');
    expect(change.previousLeader).toBe('n1');
  });

  it('of a restart of all, and still of what was before', async () => {
    await withTopic();
    const before = await toldOf('n1');
    for (const id of cluster.ids) cluster.crash(id);
    for (const id of cluster.ids) await cluster.boot(id);
    const successor = await cluster.elected(TOPIC);
    await cluster.until(() => (told(successor)?.term ?? 0) > before.term);
    expect(await toldOf(successor)).toMatchObject({
      cause: 'RESTARTED',
      previousLeader: 'n1',
      previousTerm: before.term,
      detectUs: undefined,
      electUs: undefined,
    });
    const { leadership } = cluster.at('n3').broker.cluster.state;
    expect(leadership.ofGroup(cluster.group(TOPIC)).at(-1)).toEqual(before);
  });

  it('of each of many partitions that lose their leader at once, and keeps nothing of them here', async () => {
    await withTopic(12);
    const led = Array.from({ length: 12 }, (_, partition) => partition).filter(
      (partition) => cluster.leaderOf(TOPIC, partition) === 'n1',
    );
    expect(led.length).toBeGreaterThan(1);
    cluster.crash('n1');
    await cluster.until(() => led.every((partition) => told('n2', partition)?.cause === 'CONNECTION_LOST'));
    await cluster.run(2 * LIMITS.firstWriteMsMax);
    for (const id of ['n2', 'n3']) {
      // What nobody wrote to is forgotten with the next write that anybody acknowledges.
      const partition = led.find((each) => cluster.leaderOf(TOPIC, each) === id);
      if (partition === undefined) continue;
      const { leadership } = cluster.at(id).broker;
      leadership.acknowledged(asGroupId(999), 1);
      expect(leadership.timeline.size).toBe(0);
    }
  });
});

describe('a watch', () => {
  /** Watches at a broker; what came, in order. */
  class Watcher {
    readonly came: LeadershipChange[] = [];
    readonly errors: BellwetherError[] = [];
    isFull = false;
    readonly watch: Watch;

    constructor(at: BrokerId, afterSequence?: number, topics: readonly string[] = []) {
      const { watches } = cluster.at(at).broker.leadership;
      const ended = (error: BellwetherError): void => void this.errors.push(error);
      const changed = (change: LeadershipChange): void => void this.came.push(change);
      const isFull = (): boolean => this.isFull;
      const sink = {
        get isFull() {
          return isFull();
        },
        changed,
        ended,
      };
      this.watch = watches.watch({ topics, afterSequence }, sink);
      this.watch.resume();
    }

    get sequences(): readonly number[] {
      return [...new Set(this.came.map(({ sequence }) => sequence))];
    }
  }

  it('goes on at another broker without a gap and without a duplicate', async () => {
    await withTopic(3);
    const first = new Watcher('n2', 0);
    cluster.crash('n1');
    const successor = await cluster.elected(TOPIC);
    await cluster.until(() => first.came.some(({ cause }) => cause === 'CONNECTION_LOST'));
    first.watch.stop();
    const position = first.came.at(-1)?.sequence ?? 0;
    await cluster.boot('n1');
    await cluster.elected(TOPIC);
    await cluster.answer(failover('n1', successor));
    const second = new Watcher('n3', position);
    expect(second.watch.position).toBe(position);
    await cluster.until(() => second.came.some(({ cause }) => cause === 'REQUESTED'));
    const { lastSequence } = cluster.at('n3').broker.cluster.state.leadership;
    expect([...first.sequences, ...second.sequences]).toEqual(
      Array.from({ length: lastSequence }, (_, i) => i + 1),
    );
  });

  it('tells of a change again when its first write is known, and of other topics nothing', async () => {
    await withTopic();
    await toldOf('n1');
    await cluster.createTopic('n1', { topic: 'others' });
    const all = new Watcher('n2');
    const others = new Watcher('n2', undefined, ['others']);
    const { newLeader } = await cluster.answer(failover('n1', 'n1'));
    await cluster.elected(TOPIC, 0, ['n1']);
    await cluster.produced(newLeader, TOPIC, 'x');
    await cluster.until(() => all.came.some(({ firstWriteUs }) => firstWriteUs !== undefined));
    const ofTopic = all.came.filter(({ topic }) => topic === TOPIC);
    expect(ofTopic.map(({ firstWriteUs }) => firstWriteUs === undefined)).toEqual([true, false]);
    expect(new Set(ofTopic.map(({ sequence }) => sequence)).size).toBe(1);
    expect(others.came.filter(({ topic }) => topic !== 'others')).toEqual([]);
  });

  it('of a reader that takes nothing ends once what it has not seen is dropped', async () => {
    await withTopic();
    await toldOf('n1');
    const slow = new Watcher('n2');
    const quick = new Watcher('n2');
    slow.isFull = true;
    let leader: BrokerId = 'n1';
    for (let i = 0; i < 10; i++) {
      ({ newLeader: leader } = await cluster.answer(failover('n2', leader)));
      await toldOf(leader);
    }
    expect([slow.came, slow.errors, quick.errors]).toEqual([[], [], []]);
    slow.isFull = false;
    slow.watch.resume();
    expect(slow.errors.map(({ reason }) => reason)).toEqual(['WATCH_TOO_SLOW']);
    expect(slow.came).toEqual([]);
    expect(quick.sequences.length).toBeGreaterThanOrEqual(10);
    // Nor can anybody begin there.
    const { watches } = cluster.at('n3').broker.leadership;
    const sink = { isFull: false, changed: () => undefined, ended: () => undefined };
    expect(() => watches.watch({ topics: [], afterSequence: 1 }, sink)).toThrow('are dropped');
  });
});

describe('callers that share a move', () => {
  it('each have their own deadline', async () => {
    await withTopic();
    // Nobody can be elected while two of three are cut off.
    for (const id of ['n2', 'n3']) cluster.network.isolate(id);
    const { broker } = cluster.at('n1');
    await cluster.until(() => broker.table.leaderOf(cluster.group(TOPIC)) === undefined);
    const outcomes: string[] = [];
    const ask = (name: string, timeoutMs: number): void => {
      failover('n1', 'n1', timeoutMs).then(
        ({ newLeader }) => outcomes.push(`${name} ${newLeader === 'n1' ? 'stays' : 'moved'}`),
        (error: unknown) => outcomes.push(`${name} ${(error as BellwetherError).reason}`),
      );
    };
    ask('short', 700);
    ask('long', 8_000);
    ask('shorter', 500);
    await cluster.run(650);
    expect(outcomes).toEqual(['shorter NO_LEADER']);
    await cluster.run(350);
    expect(outcomes).toEqual(['shorter NO_LEADER', 'short NO_LEADER']);
    cluster.network.heal();
    await cluster.until(() => outcomes.length === 3);
    expect(outcomes[2]).toBe('long moved');
  });
});
