/** How a leader came about, on the wire between brokers: what was sent arrives, and what nobody means is refused. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LeaderAnnouncement as WireAnnouncement,
  TimeoutNow,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import { LeadershipCause } from '../../gen/bellwether/v1/leadership.js';
import { LEADERSHIP_CAUSES } from '../../src/cluster/leadership-change.js';
import type { LeaderAnnouncement } from '../../src/broker/peer-port.js';
import { asGroupId, asTerm } from '../../src/raft/types.js';
import {
  announcementFromWire,
  announcementToWire,
  timeoutNowFromWire,
  timeoutNowToWire,
} from '../../src/rpc/convert-raft.js';

const microseconds = fc.option(fc.nat(2_000_000_000), { nil: undefined });
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/);

const announcements = fc
  .record({
    group: fc.nat(9).map(asGroupId),
    term: fc.integer({ min: 1, max: 1_000 }).map(asTerm),
    leader: name,
    cause: fc.constantFrom(...LEADERSHIP_CAUSES),
    previousLeader: fc.option(name, { nil: '' }),
    previousTerm: fc.constantFrom(0, 1),
    changedAtMs: fc.nat(),
    phases: fc.record({
      detectUs: microseconds,
      electUs: microseconds,
      commitUs: fc.nat(),
      blockedUs: microseconds,
    }),
    isFirst: fc.boolean(),
    resigned: fc.constantFrom('DISK_STALLED' as const, 'QUORUM_LOST' as const, 'REASSIGNED' as const),
  })
  .map(({ group, term, leader, phases, isFirst, resigned, ...of }): LeaderAnnouncement => {
    const common = { group, term, inSyncReplicas: ['n1'], leaderSinceMs: 5 };
    return isFirst
      ? { ...common, leader, report: { group, term, leader, ...of, ...phases }, resigned: undefined }
      : { ...common, leader: undefined, report: undefined, resigned };
  });

describe('an announcement', () => {
  it('arrives as it was sent, with how the leader came about or why it gave up', () => {
    fc.assert(
      fc.property(announcements, (announcement) => {
        const bytes = WireAnnouncement.encode(announcementToWire(announcement)).finish();
        expect(announcementFromWire(WireAnnouncement.decode(bytes))).toEqual(announcement);
      }),
    );
  });

  it('is refused with a cause that no leader gives', () => {
    const wire = announcementToWire({
      group: asGroupId(1),
      term: asTerm(2),
      leader: undefined,
      inSyncReplicas: [],
      leaderSinceMs: 0,
    });
    expect(announcementFromWire(wire).resigned).toBeUndefined();
    expect(() => announcementFromWire({ ...wire, resigned: LeadershipCause.CREATED })).toThrow('cause');
  });
});

describe('an order to campaign', () => {
  it.each(['REQUESTED', 'SHUTDOWN', 'BALANCED', 'REASSIGNED', 'DISK_FULL'] as const)(
    'says that it was %s',
    (cause) => {
      const from = { kind: 'timeoutNow', from: 'n1', to: 'n2', term: asTerm(3), cause } as const;
      const order = { group: asGroupId(1), message: { ...from, blockedMs: 1.234 } };
      const wire = TimeoutNow.decode(TimeoutNow.encode(timeoutNowToWire(order)).finish());
      expect(timeoutNowFromWire('n1', 'n2', wire)).toEqual(order);
    },
  );

  it('is refused without a cause, and with a time that nobody can have waited', () => {
    const wire = { groupId: 1, term: 3, cause: LeadershipCause.SHUTDOWN, blockedUs: 0 };
    expect(() => timeoutNowFromWire('n1', 'n2', { ...wire, cause: LeadershipCause.UNSPECIFIED })).toThrow(
      'cause',
    );
    expect(() => timeoutNowFromWire('n1', 'n2', { ...wire, blockedUs: -1 })).toThrow('blocked_us');
  });
});
