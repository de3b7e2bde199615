import { describe, expect, it } from 'vitest';
import { ClusterLog } from '../../src/cluster/cluster-log.js';
import { encodeCommand } from '../../src/cluster/commands.js';
import { asLogIndex, asTerm, type Entry, ENTRY_KIND } from '../../src/raft/types.js';

function create(index: number, topic: string): Entry {
  const payload = encodeCommand({ kind: 'createTopic', topic, replicationFactor: 1, assignments: [['n1']] });
  return { index: asLogIndex(index), term: asTerm(1), kind: ENTRY_KIND.CLUSTER_COMMAND, payload };
}

describe('ClusterLog', () => {
  it('applies a command when it is committed, not when it is appended', () => {
    const log = new ClusterLog();
    log.appended(create(1, 'a'));
    log.appended({
      index: asLogIndex(2),
      term: asTerm(1),
      kind: ENTRY_KIND.NOOP,
      payload: new Uint8Array(0),
    });
    log.appended(create(3, 'b'));
    expect(log.state.topics.size).toBe(0);
    expect(log.committedTo(asLogIndex(2)).map(({ index }) => index)).toEqual([1]);
    expect(log.committedTo(asLogIndex(2))).toEqual([]);
    expect(log.committedTo(asLogIndex(9)).map(({ index, result }) => [index, result.ok])).toEqual([
      [3, true],
    ]);
    expect([...log.state.topics.keys()]).toEqual(['a', 'b']);
  });

  it('forgets what was truncated', () => {
    const log = new ClusterLog();
    for (const [i, topic] of ['a', 'b', 'c'].entries()) log.appended(create(i + 1, topic));
    log.truncatedFrom(asLogIndex(2));
    log.appended(create(2, 'd'));
    log.committedTo(asLogIndex(3));
    expect([...log.state.topics.keys()]).toEqual(['a', 'd']);
  });
});
