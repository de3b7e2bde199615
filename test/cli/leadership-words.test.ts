/** The sentences that explain leadership to people. */
import { describe, expect, it } from 'vitest';
import type { LeadershipChange, LeadershipTimeline, ReplicaStanding } from '../../src/client/index.js';
import {
  causeWords,
  changeSentence,
  firstWriteSentence,
  standingWords,
} from '../../src/cli/leadership-words.js';

const NONE = { detectMs: undefined, electMs: undefined, blockedMs: undefined, firstWriteMs: undefined };

function timeline(known: Partial<LeadershipTimeline>): LeadershipTimeline {
  return { ...NONE, commitMs: 5.06, totalMs: 14.16, ...known };
}

function change(different: Partial<LeadershipChange> = {}): LeadershipChange {
  return {
    sequence: 7,
    topic: 'orders',
    partition: 0,
    leader: 'n2',
    term: 4,
    previousLeader: 'n1',
    previousTerm: 3,
    cause: 'CONNECTION_LOST',
    changedAtMs: 0,
    timeline: timeline({ detectMs: 3.1, electMs: 6 }),
    ...different,
  };
}

describe('the sentence about a change', () => {
  it('tells what broke, and how long each step took after the one before', () => {
    expect(changeSentence(change())).toBe(
      'orders/0: n1 -> n2, term 4, 14.2 ms: the connection to n1 broke, noticed after 3.1 ms; ' +
        'elected 6.0 ms later; first commit 5.1 ms later',
    );
  });

  it.each([
    [5, 'elected 6.0 ms later (one term brought no leader); first'],
    [7, 'elected 6.0 ms later (3 terms brought no leader); first'],
  ])('tells of elections that nobody won: term %d after 3', (term, words) => {
    expect(changeSentence(change({ term, timeline: timeline({ electMs: 6 }) }))).toContain(words);
  });

  it('tells the first write once it is known', () => {
    const written = change({ timeline: timeline({ detectMs: 3.1, electMs: 6, firstWriteMs: 2.34 }) });
    expect(changeSentence(written)).toMatch(
      /; first commit 5\.1 ms later; first write acknowledged 2\.3 ms later$/,
    );
    expect(firstWriteSentence(written)).toBe(
      'orders/0: n2, term 4: first write acknowledged 2.3 ms after the first commit',
    );
  });

  it('tells of a planned move for how long writes were refused', () => {
    const moved = timeline({ electMs: 4, commitMs: 3.2, blockedMs: 9.75 });
    expect(changeSentence(change({ cause: 'REQUESTED', timeline: moved }))).toBe(
      'orders/0: n1 -> n2, term 4, writes refused for 9.8 ms: somebody asked for it; ' +
        'elected 4.0 ms after the order; first commit 3.2 ms later',
    );
  });

  it('tells long times in seconds, and leaves out what nobody measured', () => {
    const slow = timeline({ totalMs: 12_340, commitMs: 12_340 });
    expect(changeSentence(change({ cause: 'QUORUM_LOST', timeline: slow }))).toBe(
      'orders/0: n1 -> n2, term 4, 12.3 s: n1 heard from no quorum; first commit 12.3 s after the election',
    );
    expect(changeSentence(change({ timeline: undefined }))).toBe(
      'orders/0: n1 -> n2, term 4: the connection to n1 broke',
    );
  });

  it('tells a first election, and a leader that comes back', () => {
    const born = change({
      cause: 'CREATED',
      previousLeader: undefined,
      previousTerm: 0,
      timeline: undefined,
    });
    expect(changeSentence(born)).toBe('orders/0: n2 leads, term 4: the partition is new');
    const again = change({ cause: 'RESTARTED', previousLeader: 'n2', timeline: undefined });
    expect(changeSentence(again)).toBe(
      'orders/0: n2 leads again, term 4: the replicas had been started again',
    );
  });

  it.each([
    ['HEARTBEAT_MISSED', 'n1 fell silent', 'heartbeat missed'],
    ['SHUTDOWN', 'n1 was being stopped', 'shutdown'],
    ['DISK_STALLED', 'the disk of n1 did not answer', 'disk stalled'],
    ['BALANCED', 'n2 is preferred, and got it back', 'balanced'],
    ['REASSIGNED', 'the replica of n1 was moved away', 'reassigned'],
    ['DISK_FULL', 'the disk of n1 was short of room', 'disk full'],
    ['UNKNOWN', 'the cause is not known', 'unknown'],
    ['CAUSE_99', 'CAUSE_99, a cause that this version does not know', 'CAUSE_99'],
  ] as const)('names the cause %s', (cause, clause, words) => {
    expect(changeSentence(change({ cause, timeline: undefined }))).toBe(
      `orders/0: n1 -> n2, term 4: ${clause}`,
    );
    expect(causeWords(cause)).toBe(words);
  });
});

describe('what speaks against a replica', () => {
  function standing(different: Partial<ReplicaStanding>): string {
    const replica = { broker: 'n1', leads: false, obstacles: [], lagEntries: undefined, coolDownMs: 0 };
    return standingWords({ ...replica, ...different }, 'n1');
  }

  it.each([
    [{ leads: true }, 'preferred, leads'],
    [{ leads: true, broker: 'n2' }, 'leads'],
    [{ broker: 'n2' }, 'could take over'],
    [{ broker: 'n2', lagEntries: 0 }, 'could take over; lacks nothing'],
    [{ broker: 'n2', lagEntries: 1 }, 'could take over; lacks 1 entry'],
    [{ obstacles: ['LAGGING'], lagEntries: 2 }, 'preferred; lags: lacks 2 entries'],
    [{ obstacles: ['LAGGING'] }, 'preferred; lags behind what is committed'],
    [
      { obstacles: ['NOT_HEARD_FROM', 'COOLING_DOWN'], coolDownMs: 12_000 },
      'preferred; not heard from; lost the lead a short while ago, left alone for 12.0 s more',
    ],
    [{ obstacles: ['LEARNER'] }, 'preferred; being added, does not vote yet'],
    [{ obstacles: ['NO_QUORUM'] }, 'preferred; could lead, but no quorum is heard from to elect it'],
    [
      { obstacles: ['BALANCE_OFF'], lagEntries: 0 },
      'preferred; could lead, but leadership does not move back by itself: the balance is off; lacks nothing',
    ],
    [{ obstacles: ['BALANCE_PENDING'] }, 'preferred; could lead, and gets leadership back soon'],
    [{ obstacles: ['OBSTACLE_9'] }, 'preferred; OBSTACLE_9, which this version does not know'],
  ] as const)('%j', (replica, words) => {
    expect(standing(replica)).toBe(words);
  });
});
