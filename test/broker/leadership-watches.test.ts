/** Watches of the history of leadership, and callers that share one move. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Watch } from '../../src/broker/leadership-watches.js';
import type { LeadershipChange } from '../../src/cluster/leadership-change.js';
import type { BellwetherError } from '../../src/errors.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';
import { createOrders, failover, TOPIC, toldByAll } from './orders-topic.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(partitions = 1): Promise<void> {
  cluster = await MiniCluster.start();
  await createOrders(cluster, partitions);
}

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
    await cluster.answer(failover(cluster, 'n1', successor));
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
    await toldByAll(cluster, 'n1');
    await cluster.createTopic('n1', { topic: 'others' });
    const all = new Watcher('n2');
    const others = new Watcher('n2', undefined, ['others']);
    const { newLeader } = await cluster.answer(failover(cluster, 'n1', 'n1'));
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
    await toldByAll(cluster, 'n1');
    const slow = new Watcher('n2');
    const quick = new Watcher('n2');
    slow.isFull = true;
    let leader: BrokerId = 'n1';
    for (let i = 0; i < 10; i++) {
      ({ newLeader: leader } = await cluster.answer(failover(cluster, 'n2', leader)));
      await toldByAll(cluster, leader);
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
    const begin = (afterSequence: number) => watches.watch({ topics: [], afterSequence }, sink);
    const { trimmedSequence } = cluster.at('n3').broker.cluster.state.leadership;
    const ready = `all behind ${String(trimmedSequence)} are kept: watch --after ${String(trimmedSequence)} `;
    expect(() => begin(1)).toThrow(ready);
    expect(slow.errors[0]?.message).toContain('are kept: watch --after ');
    // What the message names is taken.
    expect(begin(trimmedSequence).position).toBe(trimmedSequence);
  });

  it('may begin ahead of the history, knows how far that is, and tells what is behind its position', async () => {
    await withTopic();
    const [newest] = await toldByAll(cluster, 'n1');
    const last = newest?.sequence ?? 0;
    const ahead = new Watcher('n2', last + 1);
    expect([ahead.watch.position, ahead.watch.lastSequence]).toEqual([last + 1, last]);
    let leader: BrokerId = 'n1';
    for (let i = 0; i < 2; i++) {
      ({ newLeader: leader } = await cluster.answer(failover(cluster, 'n2', leader)));
      await toldByAll(cluster, leader);
    }
    expect(ahead.sequences).toEqual([last + 2]);
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
      failover(cluster, 'n1', 'n1', timeoutMs).then(
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
