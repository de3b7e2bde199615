import { describe, expect, it } from 'vitest';
import { Announcer } from '../../src/broker/announcer.js';
import type { LeadershipReport } from '../../src/cluster/leadership-change.js';
import type { LeaderAnnouncement } from '../../src/broker/peer-port.js';
import { asGroupId, ENTRY_KIND } from '../../src/raft/types.js';
import { Replica } from './replica.js';

const REPORT: LeadershipReport = {
  group: asGroupId(1),
  term: 1,
  leader: 'n1',
  previousLeader: '',
  previousTerm: 0,
  cause: 'CREATED',
  changedAtMs: 1,
  detectUs: undefined,
  electUs: undefined,
  commitUs: 2,
  blockedUs: undefined,
};

class Rig extends Replica {
  readonly told: LeaderAnnouncement[] = [];
  readonly began: number[] = [];
  readonly announcer = new Announcer('n1', this.clock, {
    announce: (announcement) => this.told.push(announcement),
    began: (group) => {
      this.began.push(group.raft.term);
      return REPORT;
    },
  });

  look(): void {
    this.announcer.groupAdvanced(this.host);
  }

  get last(): LeaderAnnouncement | undefined {
    return this.told.at(-1);
  }
}

describe('Announcer', () => {
  it('announces a leader after the first commit of its term, not before', () => {
    const rig = new Rig();
    rig.start().elect();
    rig.look();
    expect(rig.raft.role).toBe('leader');
    expect(rig.told).toEqual([]);
    rig.ack('n2');
    rig.look();
    const known = { group: 1, term: 1, leader: 'n1', inSyncReplicas: ['n1', 'n2'] };
    const leaderSinceMs = rig.clock.wallMs();
    // How it came about is news once.
    expect(rig.told).toEqual([{ ...known, leaderSinceMs, report: REPORT }]);
    expect(rig.announcer.announcements).toEqual([{ ...known, leaderSinceMs }]);
    expect(rig.began).toEqual([1]);
  });

  it('says that a leader has ended that was never announced: its followers trust it while it lives', () => {
    const rig = new Rig();
    rig.start().elect();
    rig.look();
    rig.raft.stepDown(rig.nowMs, 'DISK_STALLED');
    rig.look();
    rig.look();
    expect(rig.told).toMatchObject([{ group: 1, term: 1, leader: undefined, resigned: 'DISK_STALLED' }]);
    expect(rig.began).toEqual([]);
  });

  it('says the same thing once', () => {
    const rig = new Rig();
    rig.lead();
    for (let i = 0; i < 10; i++) rig.look();
    expect(rig.told).toHaveLength(1);
  });

  it('announces again when the in-sync replicas change, with the time of taking over', () => {
    const rig = new Rig();
    rig.lead();
    rig.look();
    const sinceMs = rig.last?.leaderSinceMs;
    rig.clock.advance(500);
    rig.ack('n3');
    rig.look();
    expect(rig.told).toHaveLength(2);
    expect(rig.last).toMatchObject({ inSyncReplicas: ['n1', 'n2', 'n3'], leaderSinceMs: sinceMs });
    rig.raft.peerDown(rig.nowMs, 'n2');
    rig.look();
    expect(rig.last?.inSyncReplicas).toEqual(['n1', 'n3']);
  });

  it('says nothing more when a write comes after a silence', () => {
    const rig = new Rig();
    rig.lead();
    rig.ack('n3');
    rig.look();
    const before = rig.told.length;
    rig.clock.advance(60_000);
    rig.host.propose(ENTRY_KIND.RECORD_BATCH, new Uint8Array(1));
    rig.pump();
    rig.look();
    for (const peer of ['n2', 'n3']) {
      rig.ack(peer);
      rig.look();
    }
    expect(rig.told.slice(before)).toEqual([]);
  });

  it('resigns, within its term, when another leads', () => {
    const rig = new Rig();
    rig.lead();
    rig.look();
    rig.follow('n2', 2);
    rig.look();
    expect(rig.last).toMatchObject({ term: 1, leader: undefined, inSyncReplicas: [] });
    expect(rig.announcer.announcements).toEqual([]);
    rig.look();
    expect(rig.told).toHaveLength(2);
  });

  it('resigns when it steps down for want of a quorum (CheckQuorum)', () => {
    const rig = new Rig();
    rig.lead();
    rig.look();
    for (const peer of ['n2', 'n3']) rig.raft.peerDown(rig.nowMs, peer);
    rig.look();
    rig.clock.advance(rig.raft.deadlineMs - rig.nowMs);
    rig.raft.tick(rig.nowMs);
    rig.look();
    expect(rig.last).toMatchObject({ term: 1, leader: undefined });
  });

  it('does not speak of a deleted group', () => {
    const rig = new Rig();
    rig.lead();
    rig.look();
    rig.announcer.forget(rig.group);
    expect(rig.announcer.announcements).toEqual([]);
  });
});
