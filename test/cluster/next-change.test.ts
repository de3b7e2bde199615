/** The steps from the members that a group has to those that it should have, with brokers that come and go. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type NextChange, nextChange } from '../../src/cluster/next-change.js';
import type { Membership } from '../../src/raft/membership.js';

const BROKERS = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];
const ALL_WELL = { isCaughtUp: () => true, isAlive: () => true };

const start = fc
  .tuple(fc.shuffledSubarray(BROKERS, { minLength: 1 }), fc.integer({ min: 1, max: 7 }))
  .map(([all, voters]): Membership => ({ voters: all.slice(0, voters), learners: all.slice(voters) }));
const desired = fc.shuffledSubarray(BROKERS, { minLength: 1 });

/** One look at the members: who leads then, who is caught up, who is alive. */
const weather = fc.record({ leader: fc.nat(6), caughtUp: fc.subarray(BROKERS), alive: fc.subarray(BROKERS) });

describe('step by step', () => {
  it('any members become those desired, in the order of preference, in bounded steps', () => {
    fc.assert(
      fc.property(start, desired, fc.array(weather, { maxLength: 30, size: 'max' }), (from, to, troubled) => {
        let members = from;
        let leader = from.voters[0] ?? '';
        for (const { leader: at, caughtUp, alive } of troubled) {
          leader = members.voters[at % members.voters.length] ?? leader;
          const isAlive = (id: string): boolean => id === leader || alive.includes(id);
          const isCaughtUp = (id: string): boolean => caughtUp.includes(id) && isAlive(id);
          const next = nextChange({ ...members, leader, isAlive, isCaughtUp }, to);
          [members, leader] = applied(next, members, leader, from, to);
        }
        // One step makes the learners; each voter takes one to come or go, the leader one to hand over; one orders.
        const stepsMax = 1 + 2 * BROKERS.length + 1 + 1;
        for (let step = 0; step <= stepsMax; step++) {
          const next = nextChange({ ...members, ...ALL_WELL, leader }, to);
          if (next.kind === 'done') break;
          expect(next.kind).not.toBe('wait');
          [members, leader] = applied(next, members, leader, from, to);
        }
        expect(members).toEqual({ voters: to, learners: [] });
        expect(nextChange({ ...members, ...ALL_WELL, leader }, to).kind).toBe('done');
      }),
      { numRuns: 2_000 },
    );
  });

  it('a dead voter that is not wanted goes before a live one', () => {
    const members = { voters: ['n1', 'n2', 'n3'], learners: [], leader: 'n1' };
    const isAlive = (id: string): boolean => id !== 'n3';
    const next = nextChange({ ...members, isAlive, isCaughtUp: () => false }, ['n1']);
    expect(next).toEqual({ kind: 'propose', membership: { voters: ['n1', 'n2'], learners: [] } });
  });

  it('a learner that lags is waited for', () => {
    const members = { voters: ['n1', 'n2'], learners: ['n3'], leader: 'n1' };
    const next = nextChange({ ...members, isAlive: () => true, isCaughtUp: () => false }, ['n1', 'n3']);
    expect(next).toEqual({ kind: 'wait' });
  });

  it('a leader that is to go waits for a live broker that stays', () => {
    const members = { voters: ['n1', 'n2'], learners: [], leader: 'n1', isCaughtUp: () => false };
    expect(nextChange({ ...members, isAlive: (id) => id === 'n1' }, ['n2'])).toEqual({ kind: 'wait' });
    expect(nextChange({ ...members, isAlive: () => true }, ['n2'])).toEqual({ kind: 'handOver' });
  });

  it('no live old voter goes before a new one votes, however few are wanted', () => {
    const members = { voters: ['n1', 'n2', 'n3'], learners: ['n4'], leader: 'n1', isAlive: () => true };
    expect(nextChange({ ...members, isCaughtUp: () => false }, ['n4'])).toEqual({ kind: 'wait' });
    const next = nextChange({ ...members, isCaughtUp: () => true }, ['n4']);
    expect(next).toMatchObject({ kind: 'propose', membership: { voters: ['n4', 'n1', 'n2', 'n3'] } });
  });
});

/** Checks a step against what no step may do, and takes it. Returns the members and the leader then. */
function applied(
  next: NextChange,
  before: Membership,
  leader: string,
  from: Membership,
  to: readonly string[],
): [Membership, string] {
  if (next.kind === 'handOver') {
    const successor = before.voters.find((id) => id !== leader && to.includes(id));
    return [before, successor ?? expect.unreachable('nobody could take over')];
  }
  if (next.kind !== 'propose') return [before, leader];
  const { voters, learners } = next.membership;
  const added = voters.filter((id) => !before.voters.includes(id));
  const removed = before.voters.filter((id) => !voters.includes(id));
  expect(added.length + removed.length).toBeLessThanOrEqual(1);
  expect(voters).toContain(leader);
  expect(voters.length).toBeGreaterThanOrEqual(Math.min(from.voters.length, to.length));
  expect(voters.length).toBeLessThanOrEqual(Math.max(from.voters.length, to.length) + 1);
  // A new voter was a learner before, so it has the log; and nobody is both.
  for (const id of added) expect(before.learners).toContain(id);
  expect(learners.filter((id) => voters.includes(id))).toEqual([]);
  return [next.membership, leader];
}
