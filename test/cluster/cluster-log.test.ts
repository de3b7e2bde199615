import { describe, expect, it } from 'vitest';
import { ClusterLog } from '../../src/cluster/cluster-log.js';
import { encodeCommand } from '../../src/cluster/commands.js';
import { encodeMembership } from '../../src/raft/membership.js';
import { asLogIndex, asTerm, type Entry, ENTRY_KIND } from '../../src/raft/types.js';

function create(index: number, topic: string): Entry {
  // Without partitions, so that no broker needs to be registered.
  const payload = encodeCommand({ kind: 'createTopic', topic, replicationFactor: 1, assignments: [] });
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

  it('takes the members of group 0 from its own log, once they are committed', () => {
    const log = new ClusterLog();
    const payload = encodeMembership({ voters: ['n1', 'n2'], learners: ['n3'] });
    log.appended({ index: asLogIndex(4), term: asTerm(1), kind: ENTRY_KIND.MEMBERSHIP, payload });
    log.committedTo(asLogIndex(3));
    expect(log.state.clusterMembership.voters).toEqual([]);
    const membership = { index: 4, voters: ['n1', 'n2'], learners: ['n3'] };
    expect(log.committedTo(asLogIndex(4))).toEqual([
      { index: 4, result: { ok: true }, changes: [{ kind: 'clusterMembershipChanged', membership }] },
    ]);
    expect(log.state.clusterMembership).toEqual(membership);
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
