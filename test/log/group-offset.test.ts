/** Which commits of consumer groups take effect, as the log of the partition decides it. */
import { describe, expect, it } from 'vitest';
import type { CommitSettlement, Committer } from '../../src/log/group-offset.js';
import { PartitionLog } from '../../src/log/partition-log.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';
import { offsetCommit } from './entries.js';

const plain: Committer = { generation: undefined, claim: false };
const member = (generation: number): Committer => ({ generation, claim: false });
const claimed = (generation: number): Committer => ({ generation, claim: true });

/** Commits offsets 1, 2, ... in this order, and says which took effect. */
function decided(committers: readonly Committer[]): { took: boolean[]; log: PartitionLog } {
  const log = new PartitionLog();
  const settlements: CommitSettlement[] = [];
  for (const [i, committer] of committers.entries()) log.appended(offsetCommit(i + 1, 'g', i + 1, committer));
  log.committedTo(asLogIndex(committers.length), (settlement) => settlements.push(settlement));
  expect(settlements.map(({ index }) => index)).toEqual(committers.map((_, i) => i + 1));
  return { took: settlements.map(({ fencedBy }) => fencedBy === undefined), log };
}

describe('a committed offset', () => {
  it.each<[string, Committer[], boolean[]]>([
    ['without generations the last one wins', [plain, plain], [true, true]],
    ['an equal or higher generation is stored', [member(1), member(1), member(3)], [true, true, true]],
    ['a lower generation is refused', [member(2), member(1), member(2)], [true, false, true]],
    ['none is refused once there is one', [plain, member(0), plain], [true, true, false]],
    ['a claim must be higher', [member(2), claimed(2), claimed(3), claimed(3)], [true, false, true, false]],
    ['the first claim is taken whatever it is', [plain, claimed(0), claimed(0)], [true, true, false]],
    ['who has claimed goes on to commit', [claimed(5), member(5), member(4)], [true, true, false]],
  ])('%s', (_name, committers, took) => {
    expect(decided(committers).took).toEqual(took);
  });

  it('is what it was when a commit is refused', () => {
    const { log } = decided([member(2), member(1)]);
    expect(log.committedOffset('g')).toEqual({ offset: 1, generation: 2, committedAtMs: 1 });
  });

  it('outlives a snapshot with its generation', () => {
    const { log } = decided([member(2)]);
    const copy = new PartitionLog();
    const membership = { voters: ['n1'], learners: [] };
    copy.restored({ index: asLogIndex(1), term: asTerm(1), membership, data: log.snapshot(asLogIndex(1)) });
    expect(copy.committedOffset('g')).toEqual(log.committedOffset('g'));
    copy.appended(offsetCommit(2, 'g', 9, member(1)));
    copy.committedTo(asLogIndex(2));
    expect(copy.committedOffset('g')?.offset).toBe(1);
  });
});
