/**
 * The safety of one group over all its history, checked while the harness runs: each check throws at the
 * step that breaks it. I2 and on are the numbers by which the comments in src/raft name these properties.
 */

import type { Snapshot } from '../../src/raft/log.js';
import { sameMembers } from '../../src/raft/membership.js';
import type { Message, VoteReply } from '../../src/raft/messages.js';
import { quorumSize } from '../../src/raft/quorum.js';
import type { Raft } from '../../src/raft/raft.js';
import type { Ready } from '../../src/raft/ready.js';
import type { ReadId } from '../../src/raft/state.js';
import {
  asLogIndex,
  type BrokerId,
  ENTRY_KIND,
  type Entry,
  type LogIndex,
  type Term,
} from '../../src/raft/types.js';
import { CommittedMembers } from './committed-members.js';
import type { FakeDisk } from './fake-disk.js';
import { holds, neverStuck } from './never-stuck.js';

/** One replica as the checks see it. */
export interface Replica {
  readonly id: BrokerId;
  readonly disk: FakeDisk;
  /** Undefined while it is crashed. */
  raft: Raft | undefined;
}

/** What the last check of one replica saw. */
interface Seen {
  readonly term: Term;
  readonly commit: LogIndex;
  readonly leads: boolean;
  /** Last index of the log when it was last looked at. */
  readonly last: LogIndex;
}

export class History {
  /** Every entry that any replica ever held as committed; the entry at index i stands at i - 1. */
  readonly committed: Entry[] = [];
  /** Term in which the entry of the same position was committed. */
  readonly #committedIn: Term[] = [];
  /** Every leader there ever was, by term. */
  readonly leaders = new Map<Term, BrokerId>();
  /** Reads that were confirmed and refused, in this order. */
  readonly confirmedReads: { readonly replica: BrokerId; readonly id: ReadId; readonly index: LogIndex }[] =
    [];
  /** Snapshots that took the place of a follower's log. */
  restores = 0;
  readonly refusedReads: { readonly replica: BrokerId; readonly id: ReadId }[] = [];
  /** What was committed anywhere when a read was asked that still waits, by replica and read. */
  readonly #reads = new Map<BrokerId, Map<ReadId, number>>();
  readonly #replicas: ReadonlyMap<BrokerId, Replica>;
  readonly #votes = new Map<string, BrokerId>();
  /** By index and term: the term before it and the payload, which is shared and never copied. */
  readonly #entries = new Map<string, { readonly before: Term | undefined; readonly payload: Uint8Array }>();
  readonly #seen = new Map<BrokerId, Seen>();
  readonly #members: CommittedMembers;
  /** Replicas that were made anew: a leader may believe for a while that they have what they had. */
  readonly #wiped = new Set<BrokerId>();

  constructor(replicas: ReadonlyMap<BrokerId, Replica>, initialVoters: readonly BrokerId[]) {
    this.#replicas = replicas;
    this.#members = new CommittedMembers(initialVoters);
  }

  /** Memberships that were committed. */
  get memberships(): number {
    return this.#members.count;
  }

  /** Reads that nobody has heard of again; those of a crashed replica are forgotten at its restart. */
  get waitingReads(): number {
    return [...this.#reads.values()].reduce((sum, reads) => sum + reads.size, 0);
  }

  /** Notes what a read that is asked now must see. */
  onRead(replica: BrokerId, id: ReadId): void {
    const reads = this.#reads.get(replica) ?? new Map<ReadId, number>();
    this.#reads.set(replica, reads.set(id, this.committed.length));
  }

  /** Looks at a Ready before its entries go to the disk. */
  onReady(replica: Replica, raft: Raft, ready: Ready): void {
    const first = ready.entries[0];
    const seen = this.#seen.get(replica.id);
    if (first !== undefined && seen !== undefined) {
      holds(first.index > seen.commit, 'I7: nothing is truncated at or below the commit index', replica);
      const led = seen.leads && raft.role === 'leader' && raft.term === seen.term;
      holds(!led || first.index > seen.last, 'I8: a leader only appends (Raft 5.3)', replica);
    }
    if (ready.hardState !== undefined) {
      const behind = (first?.index ?? replica.disk.readable.lastIndex + 1) - 1;
      holds(ready.hardState.commit <= behind, 'a written commit index covers earlier writes only', replica);
    }
    this.#settleReads(replica, raft, ready);
    if (ready.snapshot !== undefined) this.#snapshot(replica, raft, ready.snapshot);
    let before = first === undefined ? undefined : raft.termAt(asLogIndex(first.index - 1));
    for (const entry of ready.entries) {
      this.#matchLogs(replica, entry, before);
      before = entry.term;
    }
  }

  /** Looks at the replica after the entries of its Ready are readable. */
  afterStep(replica: Replica, raft: Raft): void {
    const seen = this.#seen.get(replica.id);
    if (seen !== undefined) {
      holds(raft.term >= seen.term, 'I13: terms never fall', replica);
      holds(raft.commitIndex >= seen.commit, 'I13: the commit index never falls', replica);
    }
    holds(raft.commitIndex <= raft.lastIndex, 'I14: commit is inside the log', replica);
    holds(raft.lastIndex === replica.disk.readable.lastIndex, 'all of the log is readable', replica);
    this.#ownClaim(replica, raft);
    if (raft.role === 'leader') this.#leader(replica, raft, seen);
    this.#commit(replica, raft, seen?.commit ?? 0);
    this.#members.checkInForce(replica, raft, this.committed.length);
    neverStuck(replica, raft);
    this.#seen.set(replica.id, {
      term: raft.term,
      commit: raft.commitIndex,
      leads: raft.role === 'leader',
      last: raft.lastIndex,
    });
  }

  /** Looks at a message the moment it leaves (I2: no claim goes beyond the disk). */
  onSend(replica: Replica, raft: Raft, message: Message): void {
    const { disk } = replica;
    if (message.kind === 'voteReply' && message.granted && !message.preVote) this.#vote(replica, message);
    if (message.kind === 'voteRequest' && !message.preVote) {
      holds(disk.hardState.term >= message.term, 'I2: a campaign is durable before it is told', replica);
    }
    if (message.kind !== 'appendReply' && message.kind !== 'snapshotReply') return;
    holds(disk.hardState.term >= message.term, 'I2: the term of a reply is durable', replica);
    if (message.kind === 'snapshotReply') {
      const has = disk.durable.covers(message.snapshotIndex, message.snapshotTerm);
      holds(has || !message.installed, 'I2: a snapshot is on disk before that is told', replica);
      return;
    }
    // After a newer term a truncation may have taken the entries back; such a reply can never complete
    // a quorum, because the newer leader was not elected by one that had them.
    if (!message.accepted || raft.term !== message.term) return;
    holds(
      disk.durable.lastIndex >= message.matchIndex,
      'I2: a reply claims no more than the disk has',
      replica,
    );
  }

  /** A crash forgets what was seen; a restart must not have forgotten a term or a vote (I13). */
  onRestart(replica: Replica, raft: Raft): void {
    this.#seen.delete(replica.id);
    this.#reads.delete(replica.id);
    for (const [key, candidate] of this.#votes) {
      const [voter, term] = key.split('@');
      if (voter !== replica.id) continue;
      holds(raft.term >= Number(term), 'I13: a restart remembers the term of its vote', replica);
      if (raft.term === Number(term)) {
        holds(replica.disk.hardState.votedFor === candidate, 'I13: a restart remembers its vote', replica);
      }
    }
  }

  /** Who lost its disk promised nothing: leaders must not count on it as a voter. */
  onWipe(id: BrokerId): void {
    this.#wiped.add(id);
    this.#seen.delete(id);
    for (const key of this.#votes.keys()) if (key.startsWith(`${id}@`)) this.#votes.delete(key);
  }

  #settleReads(replica: Replica, raft: Raft, { confirmedReads, refusedReads, commitIndex }: Ready): void {
    const reads = this.#reads.get(replica.id);
    for (const { id, index } of confirmedReads) {
      const committed = reads?.get(id);
      holds(committed !== undefined, 'I19: a read is settled once', replica);
      holds(index >= (committed ?? Infinity), 'I18: a read sees all that was committed before it', replica);
      holds(raft.leadsWithCommit && index <= commitIndex, 'only a leader that knows confirms (B28)', replica);
      this.confirmedReads.push({ replica: replica.id, id, index });
      reads?.delete(id);
    }
    for (const id of refusedReads) {
      holds(reads?.delete(id) === true, 'I19: a read is settled once', replica);
      this.refusedReads.push({ replica: replica.id, id });
    }
    holds(raft.role === 'leader' || !reads?.size, 'I19: who leads no more keeps no reads', replica);
  }

  #vote(replica: Replica, reply: VoteReply): void {
    const { hardState } = replica.disk;
    const durable =
      hardState.term > reply.requestedTerm ||
      (hardState.term === reply.requestedTerm && hardState.votedFor === reply.to);
    holds(durable, 'I2: a vote is durable before it is told', replica);
    const key = `${replica.id}@${String(reply.requestedTerm)}`;
    const before = this.#votes.get(key);
    holds(before === undefined || before === reply.to, 'a voter has one vote in a term', replica);
    this.#votes.set(key, reply.to);
  }

  /** A snapshot stands for what is committed, and for nothing else. */
  #snapshot(replica: Replica, raft: Raft, snapshot: Snapshot): void {
    const { index, term, membership, data } = snapshot;
    holds(index <= raft.commitIndex, 'I14: a snapshot is of what is committed', replica);
    if (index > (this.#seen.get(replica.id)?.commit ?? 0)) this.restores += 1;
    const known = this.committed[index - 1];
    holds(known?.term === term, 'I4: a snapshot ends with the entry that is committed there', replica);
    const same = new TextDecoder().decode(data) === stateAt(this.committed, index);
    holds(same, 'I17: a snapshot is the state that its entries make', replica);
    holds(
      sameMembers(this.#members.at(index), membership),
      'I11: its membership is that of its index',
      replica,
    );
  }

  #matchLogs(replica: Replica, entry: Entry, before: Term | undefined): void {
    const key = `${String(entry.index)}@${String(entry.term)}`;
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#entries.set(key, { before, payload: entry.payload });
      return;
    }
    const same = known.before === before && known.payload === entry.payload;
    holds(same, 'I9: logs with the same (index, term) are equal up to there', replica);
  }

  #ownClaim(replica: Replica, raft: Raft): void {
    const { durableIndex } = raft;
    // A snapshot that is not on disk yet stands for what the disk has.
    if (durableIndex < (raft.snapshot?.index ?? 0)) return;
    const onDisk = replica.disk.durable.termAt(durableIndex);
    holds(onDisk === raft.termAt(durableIndex), 'I2: durable is what the disk has', replica);
  }

  #leader(replica: Replica, raft: Raft, seen: Seen | undefined): void {
    const known = this.leaders.get(raft.term);
    holds(known === undefined || known === replica.id, 'I3: a term has one leader', replica);
    this.leaders.set(raft.term, replica.id);
    if (seen?.leads !== true || seen.term !== raft.term) {
      const voted = replica.disk.hardState.term >= raft.term;
      holds(voted, 'I2: a leader counted its own vote only once it was durable', replica);
      // A late winner of an old term may lack what a newer term committed (Raft figure 3).
      for (const [at, entry] of this.committed.entries()) {
        const older = (this.#committedIn[at] ?? 0) < raft.term;
        const gone = entry.index < (raft.snapshot?.index ?? 0);
        const has = gone || raft.termAt(entry.index) === entry.term;
        holds(!older || has, 'I10: a leader has all that earlier terms committed', replica);
      }
    }
    const uncommitted = replica.disk.readable.entries.filter(
      ({ index, kind }) => kind === ENTRY_KIND.MEMBERSHIP && index > this.committed.length,
    );
    holds(uncommitted.length <= 1, 'I11: one uncommitted membership at most', replica);
    const newest = Math.max(...this.leaders.keys()) === raft.term;
    for (const [peer, progress] of raft.progress) {
      holds(progress.match < progress.next, 'I16: match is below next', replica);
      const durable = this.#replicas.get(peer)?.disk.durable.lastIndex ?? 0;
      const counts = newest && !this.#wiped.has(peer);
      holds(!counts || progress.match <= durable, 'I16: a match is on the disk of the follower', replica);
    }
  }

  #onQuorum(voters: readonly BrokerId[], index: LogIndex, term: Term): boolean {
    const holders = voters.filter((id) => this.#replicas.get(id)?.disk.durable.covers(index, term));
    return holders.length >= quorumSize(voters.length);
  }

  #commit(replica: Replica, raft: Raft, before: number): void {
    const commit = raft.commitIndex;
    if (commit <= before) return;
    // What is committed already a candidate may have learned from a voter, a moment before it won.
    const counted = raft.role === 'leader' && commit > this.committed.length;
    const { readable } = replica.disk;
    for (let index = Math.max(before, readable.baseIndex) + 1; index <= commit; index++) {
      const entry = readable.at(index);
      holds(entry !== undefined, 'what is committed is readable', replica);
      if (entry === undefined) continue;
      const known = this.committed[entry.index - 1];
      if (known === undefined) {
        this.committed.push(entry);
        this.#committedIn.push(raft.term);
        this.#members.push(replica, entry);
      } else {
        const same = known.term === entry.term && known.payload === entry.payload;
        holds(same, 'I4: a committed entry is the same everywhere', replica);
      }
    }
    if (!counted) return;
    holds(raft.termAt(commit) === raft.term, 'I6: only the current term commits by counting', replica);
    const { deciding } = this.#members;
    const durable = deciding.some(({ voters }) => this.#onQuorum(voters, commit, raft.term));
    holds(durable, 'I5: a quorum has it on disk', replica);
  }
}

/** The state that the committed entries up to `index` make: a text that names each of them. */
export function stateAt(committed: readonly Entry[], index: number): string {
  let hash = 7;
  for (const { term, payload } of committed.slice(0, index)) {
    for (const value of [term, ...payload]) hash = (Math.imul(hash, 31) + value) | 0;
  }
  return `the state at ${String(index)} is ${String(hash)}`;
}
