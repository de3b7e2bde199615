/** Sending and taking in of snapshots, chunk by chunk, with what a network does to them. */

import { describe, expect, it } from 'vitest';

import type { InstallSnapshot, Message, SnapshotReply } from '../../src/raft/messages.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';
import { Cluster } from './harness.js';
import { append, entry } from './make.js';

/** n1 leads and has compacted its log up to 3; n3, which lacks entries 2 to 4, is heard again. */
function lagging(tuning: Record<string, number> = { snapshotChunkBytes: 10 }): Cluster {
  const cluster = Cluster.withLeader({ tuning });
  cluster.isolate('n3');
  for (const text of ['a', 'b', 'c']) cluster.propose('n1', text);
  cluster.settle();
  cluster.compact('n1', 3);
  cluster.network.open('n1', 'n3');
  cluster.network.open('n3', 'n1');
  cluster.hear('n3', 'n1');
  cluster.hear('n1', 'n3');
  return cluster;
}

function isChunk(message: Message): message is InstallSnapshot {
  return message.kind === 'installSnapshot';
}

/** Delivers all, and returns the chunks and the answers to them. */
function traffic(cluster: Cluster): readonly (InstallSnapshot | SnapshotReply)[] {
  const seen: (InstallSnapshot | SnapshotReply)[] = [];
  for (;;) {
    const message = cluster.deliver();
    if (message === undefined) return seen;
    if (isChunk(message) || message.kind === 'snapshotReply') seen.push(message);
  }
}

function chunkOnTheWay(cluster: Cluster): InstallSnapshot {
  const chunk = cluster.network.messages.find(isChunk);
  if (chunk === undefined) throw new Error('no chunk is on the way');
  return chunk;
}

describe('a leader', () => {
  it('asks first, then sends one chunk at a time, each behind what has arrived', () => {
    const cluster = lagging();
    const chunks = traffic(cluster).filter(isChunk);
    const total = chunks[0]?.totalBytes ?? 0;
    expect(chunks.map(({ offset, chunk }) => [offset, chunk.length])).toEqual([
      [0, 0],
      [0, 10],
      [10, 10],
      [20, total - 20],
    ]);
    expect(cluster.raft('n3').snapshot).toEqual(cluster.raft('n1').snapshot);
    expect(cluster.log('n3')).toEqual(['c']);
  });

  it('sends the one that it began with to its end, though its log has a newer one', () => {
    const cluster = lagging();
    cluster.deliver(isChunk);
    cluster.deliver();
    cluster.compact('n1', 4);
    const sent = traffic(cluster);
    expect(sent.filter(isChunk).at(-1)?.snapshotIndex).toBe(4);
    expect(sent.some((message) => isChunk(message) && message.snapshotIndex === asLogIndex(3))).toBe(true);
    expect(cluster.raft('n3').commitIndex).toBe(4);
  });

  it('asks again when a chunk is lost and nobody notices (B35)', () => {
    const cluster = lagging();
    cluster.deliver(isChunk);
    cluster.deliver();
    expect(cluster.network.drop(isChunk)).toBe(1);
    cluster.settle();
    expect(cluster.raft('n3').snapshot).toBeUndefined();
    cluster.advance(2_000);
    expect(cluster.raft('n3').snapshot?.index).toBe(3);
  });

  it('goes on where the follower is, not where it was sent', () => {
    const cluster = lagging();
    const first = chunkOnTheWay(cluster);
    cluster.settle();
    const { messages } = cluster.network;
    cluster.step(first);
    expect(messages.at(-1)).toMatchObject({ kind: 'snapshotReply', installed: true });
  });
});

describe('a follower', () => {
  it('takes no chunk twice, and none that leaves a gap', () => {
    const cluster = lagging();
    cluster.deliver(isChunk);
    cluster.deliver();
    const chunk = chunkOnTheWay(cluster);
    cluster.step({ ...chunk, offset: 10 });
    expect(cluster.network.messages.at(-1)).toMatchObject({ receivedBytes: 0 });
    cluster.step(chunk);
    cluster.step(chunk);
    expect(cluster.network.messages.at(-1)).toMatchObject({ receivedBytes: 10, installed: false });
  });

  it('starts over when the bytes are not those that were announced', () => {
    const cluster = lagging({ snapshotChunkBytes: 1_000 });
    cluster.deliver(isChunk);
    cluster.deliver();
    const chunk = chunkOnTheWay(cluster);
    cluster.step({ ...chunk, chunk: chunk.chunk.map((byte) => byte ^ 1) });
    expect(cluster.network.messages.at(-1)).toMatchObject({ receivedBytes: 0, installed: false });
    expect(cluster.raft('n3').snapshot).toBeUndefined();
    cluster.step(chunk);
    expect(cluster.raft('n3').snapshot?.index).toBe(3);
  });

  it('has no room for one that is larger than allowed', () => {
    const cluster = lagging();
    const chunk = chunkOnTheWay(cluster);
    const sent = cluster.sentCount;
    cluster.step({ ...chunk, totalBytes: 67_108_865 });
    expect(cluster.sentCount).toBe(sent);
  });

  it('answers a leader of an earlier term with its own', () => {
    const cluster = lagging();
    const chunk = chunkOnTheWay(cluster);
    cluster.step({ ...chunk, term: asTerm(0) });
    expect(cluster.network.messages.at(-1)).toMatchObject({ term: 1, installed: false, receivedBytes: 0 });
    expect(cluster.raft('n3').snapshot).toBeUndefined();
  });

  it('installs an empty snapshot with the question', () => {
    const cluster = lagging();
    const chunk = chunkOnTheWay(cluster);
    const before = cluster.raft('n3').commitIndex;
    expect(before).toBe(1);
    // The state of a group without any is empty; the checks of the harness know another state.
    expect(() => {
      cluster.step({ ...chunk, totalBytes: 0, checksum: 0 });
    }).toThrow(/I17/);
    expect(cluster.raft('n3').commitIndex).toBe(3);
  });

  it('keeps what it has, and goes on from there, over a break of the link', () => {
    const cluster = lagging();
    for (let i = 0; i < 4; i++) cluster.deliver();
    cluster.disconnect('n1', 'n3');
    cluster.network.open('n1', 'n3');
    cluster.network.open('n3', 'n1');
    cluster.hear('n3', 'n1');
    cluster.hear('n1', 'n3');
    const offsets = traffic(cluster)
      .filter(isChunk)
      .map(({ offset, chunk }) => [offset, chunk.length]);
    expect(offsets.slice(0, 2)).toEqual([
      [0, 0],
      [10, 10],
    ]);
  });

  it('answers an append from before its snapshot with the match that it has', () => {
    const cluster = lagging();
    cluster.settle();
    cluster.step(append({ term: 1, to: 'n3', prev: [1, 1], entries: [entry(2, 1, 'a')], commit: 2 }));
    expect(cluster.network.messages.at(-1)).toMatchObject({ accepted: true, matchIndex: 3, commitIndex: 4 });
    expect(cluster.log('n3')).toEqual(['c']);
  });
});

describe('a log is compacted', () => {
  it.each([
    ['beyond what is committed', 5],
    ['up to where it begins already', 3],
  ])('never %s (I14)', (_, index) => {
    const cluster = lagging();
    cluster.crash('n2');
    cluster.isolate('n3');
    expect(() => {
      cluster.compact('n1', index);
    }).toThrow(/I14/);
  });

  it('and a restart goes on from the snapshot', () => {
    const cluster = lagging();
    cluster.settle();
    cluster.crash('n3');
    cluster.restart('n3');
    const raft = cluster.raft('n3');
    expect([raft.snapshot?.index, raft.lastIndex, raft.commitIndex]).toEqual([3, 4, 3]);
  });
});
