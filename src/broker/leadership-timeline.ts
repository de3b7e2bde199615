/**
 * Times each change of leadership that this broker wins, from what it sees anyway: links that go down, orders
 * to campaign, leaders that resign. Keeps something of a group only while it has no leader, and for a short
 * while after this broker took it over; an idle group costs nothing.
 */

import type { LeadershipCause, LeadershipReport, FirstWriteReport } from '../cluster/leadership-change.js';
import type { TimeoutNow } from '../raft/messages.js';
import type { BrokerId, GroupId, Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { LIMITS } from './limits.js';

/** Who led a group before, as far as is known. */
export interface PreviousLeader {
  readonly leader: BrokerId;
  readonly term: number;
}

export interface TimelineContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  /** The last leader of a group that was announced in the life of this process. */
  announced(group: GroupId): PreviousLeader | undefined;
  /** The last one that the replicated history knows of. */
  recorded(group: GroupId): PreviousLeader | undefined;
}

/** Why a broker is not believed to lead any more, and since when. */
interface Suspicion {
  readonly cause: LeadershipCause;
  /** The last sign of life; undefined where the leader gave up rather than fell silent. */
  readonly lastSignMs: number | undefined;
  readonly sinceMs: number;
  /** How long the old leader had refused writes when it ordered the campaign; undefined without an order. */
  readonly blockedMs: number | undefined;
}

/** A group without a leader: what ended the last one. */
interface Ending extends Suspicion {
  readonly previous: PreviousLeader;
}

/** A leadership of this broker that no client's write was acknowledged in yet. */
interface AwaitsWrite {
  readonly term: Term;
  readonly sinceMs: number;
}

export class LeadershipTimeline {
  readonly #context: TimelineContext;
  /** Peers whose link is down. */
  readonly #suspicions = new Map<BrokerId, Suspicion>();
  readonly #endings = new Map<GroupId, Ending>();
  /** In the order in which they began. */
  readonly #awaitWrite = new Map<GroupId, AwaitsWrite>();

  constructor(context: TimelineContext) {
    this.#context = context;
  }

  /** Groups of which something is kept, for tests. */
  get size(): number {
    return this.#endings.size + this.#awaitWrite.size;
  }

  linkUp(peer: BrokerId): void {
    this.#suspicions.delete(peer);
  }

  /** A link went down, whose last sign of life was at `lastSignMs`; `suspected` tells of each group then. */
  linkDown(peer: BrokerId, cause: LeadershipCause, lastSignMs: number | undefined): void {
    const sinceMs = this.#context.clock.monotonicMs();
    this.#suspicions.set(peer, { cause, lastSignMs, sinceMs, blockedMs: undefined });
  }

  /** The core of a group is about to be told that the link is down. */
  suspected({ id, raft }: GroupHost, peer: BrokerId): void {
    const suspicion = this.#suspicions.get(peer);
    if (suspicion === undefined || raft.leader !== peer) return;
    this.#endings.set(id, { ...suspicion, previous: { leader: peer, term: raft.term } });
  }

  /** The core of a group is about to be ordered to campaign by its leader. */
  ordered({ id, raft }: GroupHost, { from, term, cause, blockedMs }: TimeoutNow): void {
    if (raft.term !== term || raft.role === 'leader') return;
    const sinceMs = this.#context.clock.monotonicMs();
    const previous = { leader: from, term };
    this.#endings.set(id, { cause, lastSignMs: undefined, sinceMs, blockedMs, previous });
  }

  /** The core of a group is about to learn that its leader has given up; a suspicion of before stands. */
  resigned({ id, raft }: GroupHost, leader: BrokerId, term: Term, cause: LeadershipCause): void {
    const known = this.#endings.get(id);
    if (known?.previous.leader === leader && known.previous.term === term) {
      this.#endings.set(id, { ...known, cause });
    } else if (raft.leader === leader && raft.term === term) {
      const sinceMs = this.#context.clock.monotonicMs();
      const previous = { leader, term };
      this.#endings.set(id, { cause, lastSignMs: undefined, sinceMs, blockedMs: undefined, previous });
    }
  }

  /** A group went through the loop: one that follows somebody has a leader. */
  groupAdvanced({ id, raft }: GroupHost): void {
    if (this.#endings.size > 0 && raft.role === 'follower' && raft.leader !== undefined) {
      this.#endings.delete(id);
    }
  }

  forget(group: GroupId): void {
    this.#endings.delete(group);
    this.#awaitWrite.delete(group);
  }

  /** This broker leads a group and has just committed in its term: how it came about. */
  began({ id, raft }: GroupHost): LeadershipReport {
    const { self, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    const electedMs = raft.electedAs?.sinceMs ?? nowMs;
    const announced = this.#context.announced(id);
    const ending = this.#endings.get(id);
    const previous = newest(raft.term, announced, ending?.previous, this.#context.recorded(id));
    const why = ending ?? this.#resignation(raft, previous) ?? this.#suspicionOf(previous);
    this.#endings.delete(id);
    this.#awaitWrite.set(id, { term: raft.term, sinceMs: nowMs });
    this.#dropLate(nowMs);
    return {
      group: id,
      term: raft.term,
      leader: self,
      previousLeader: previous?.leader ?? '',
      previousTerm: previous?.term ?? 0,
      cause: causeOf(raft, previous, announced, why),
      changedAtMs: Math.floor(clock.wallMs()),
      detectUs: why?.lastSignMs === undefined ? undefined : microseconds(why.sinceMs - why.lastSignMs),
      electUs: why && microseconds(electedMs - why.sinceMs),
      commitUs: microseconds(nowMs - electedMs),
      blockedUs: why?.blockedMs === undefined ? undefined : microseconds(why.blockedMs + nowMs - why.sinceMs),
    };
  }

  /** A record of a client was acknowledged. Defined for the first one of a leadership, if it came in time. */
  acknowledged(group: GroupId, term: number): FirstWriteReport | undefined {
    if (this.#awaitWrite.size === 0) return undefined;
    const nowMs = this.#context.clock.monotonicMs();
    this.#dropLate(nowMs);
    const awaited = this.#awaitWrite.get(group);
    if (awaited?.term !== term) return undefined;
    this.#awaitWrite.delete(group);
    return { group, term, firstWriteUs: microseconds(nowMs - awaited.sinceMs) };
  }

  #dropLate(nowMs: number): void {
    for (const [group, { sinceMs }] of this.#awaitWrite) {
      if (nowMs - sinceMs <= LIMITS.firstWriteMsMax) return;
      this.#awaitWrite.delete(group);
    }
  }

  /** This broker led before, and gave up itself. */
  #resignation(
    { resignation }: GroupHost['raft'],
    previous: PreviousLeader | undefined,
  ): Suspicion | undefined {
    if (resignation === undefined || resignation.term < (previous?.term ?? 0)) return undefined;
    const { cause, atMs: sinceMs } = resignation;
    return { cause, lastSignMs: undefined, sinceMs, blockedMs: undefined };
  }

  /** The core may have heard its leader without a link that was up. */
  #suspicionOf(previous: PreviousLeader | undefined): Suspicion | undefined {
    return previous && this.#suspicions.get(previous.leader);
  }
}

function causeOf(
  { electedAs, recoveredTerm }: GroupHost['raft'],
  previous: PreviousLeader | undefined,
  announced: PreviousLeader | undefined,
  why: Suspicion | undefined,
): LeadershipCause {
  if (previous === undefined && electedAs?.termStart === 1) return 'CREATED';
  if (why !== undefined) return why.cause;
  return announced === undefined && recoveredTerm > 0 ? 'RESTARTED' : 'UNKNOWN';
}

/** The newest leader of those that led before `term`. */
function newest(
  term: number,
  ...leaders: readonly (PreviousLeader | undefined)[]
): PreviousLeader | undefined {
  let best: PreviousLeader | undefined;
  for (const each of leaders) {
    if (each !== undefined && each.term < term && each.term > (best?.term ?? 0)) best = each;
  }
  return best;
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000));
}
