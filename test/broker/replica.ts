/**
 * One replica of one group, without a journal or a scheduler: a test decides what its peers say and when
 * its disk has written. Its voters are n1, n2 and n3, and it is n1 unless told otherwise.
 */

import type { Clock } from '../../src/broker/clock.js';
import { GroupHost, type GroupMachine } from '../../src/broker/group-host.js';
import { Outbox } from '../../src/broker/outbox.js';
import { VoteExchange } from '../../src/broker/vote-exchange.js';
import { DEFAULT_RAFT_TUNING, type RaftTuning } from '../../src/raft/config.js';
import type { AppendReply } from '../../src/raft/messages.js';
import { Raft } from '../../src/raft/raft.js';
import {
  asGroupId,
  asLogIndex,
  asTerm,
  type BrokerId,
  type Entry,
  type GroupId,
  type LogIndex,
} from '../../src/raft/types.js';
import { GroupLog } from '../../src/storage/group-log.js';
import type { JournalWrite } from '../../src/storage/journal.js';
import { PayloadCache } from '../../src/storage/payload-cache.js';
import { append } from '../raft/make.js';
import { FakeTransport } from './fake-transport.js';
import { ManualClock } from './manual-clock.js';

export const VOTERS: readonly BrokerId[] = ['n1', 'n2', 'n3'];

/** Where the replicas of a partition are whose group has these voters. */
export const PLACEMENT = {
  initial: VOTERS,
  replicas: VOTERS,
  target: undefined,
  membership: { index: asLogIndex(0), voters: VOTERS, learners: [] },
} as const;

/** A state machine that keeps nothing. */
export const IDLE_MACHINE: GroupMachine = {
  appended: () => undefined,
  truncatedFrom: () => undefined,
  committedTo: () => undefined,
  restored: () => undefined,
  compactable: () => asLogIndex(0),
  snapshot: () => new Uint8Array(0),
  compactedTo: () => undefined,
};

export interface ReplicaOptions {
  readonly id?: BrokerId;
  readonly group?: number;
  readonly voters?: readonly BrokerId[];
  readonly machine?: GroupMachine;
  readonly tuning?: Partial<RaftTuning>;
  readonly clock?: ManualClock;
}

export class Replica {
  readonly id: BrokerId;
  readonly group: GroupId;
  readonly clock: ManualClock;
  readonly transport = new FakeTransport();
  readonly host: GroupHost;
  readonly raft: Raft;
  readonly votes: VoteExchange;
  /** While true the disk writes nothing. */
  diskHangs = false;
  readonly #outbox: Outbox;
  readonly #peers: readonly BrokerId[];
  #journalSequence = 0;

  constructor(options: ReplicaOptions = {}) {
    const voters = options.voters ?? VOTERS;
    this.id = options.id ?? 'n1';
    this.group = asGroupId(options.group ?? 1);
    this.clock = options.clock ?? new ManualClock();
    this.#peers = voters.filter((voter) => voter !== this.id);
    const log = new GroupLog(this.group, { cache: new PayloadCache(0), onReadFailed: () => undefined });
    const machine = options.machine ?? IDLE_MACHINE;
    const tuning = { ...DEFAULT_RAFT_TUNING, commitRideMs: 0, ...options.tuning };
    const config = { id: this.id, voters, persistCommit: false, tuning, random: () => 0.5 };
    this.raft = new Raft(config, log, undefined, machine);
    this.host = new GroupHost(this.group, this.raft, log, machine);
    this.votes = new VoteExchange(this.clock satisfies Clock);
    this.#outbox = new Outbox(this.transport, this.votes, {
      requestVotes: (to, requests) => void this.transport.requestVotes(to, requests),
      orderCampaigns: (to, orders) => void this.transport.orderCampaigns(to, orders),
    });
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Takes part, with every peer alive. */
  start(): this {
    this.raft.start(this.nowMs, this.#peers);
    return this;
  }

  /** One pass of the loop. */
  pump(): void {
    const writes: JournalWrite[] = [];
    const write = this.host.collect(this.nowMs, writes, this.#outbox);
    if (write !== undefined) {
      this.#journalSequence += 1;
      this.host.submitted(this.#journalSequence, write.raftSequence);
    }
    if (!this.diskHangs) this.syncDisk();
    this.#outbox.flush();
  }

  /** The disk has all that was submitted. */
  syncDisk(): void {
    this.host.persisted(this.nowMs, this.#journalSequence, this.#outbox);
    const writes: JournalWrite[] = [];
    const write = this.host.collect(this.nowMs, writes, this.#outbox);
    if (write === undefined) return;
    this.#journalSequence += 1;
    this.host.submitted(this.#journalSequence, write.raftSequence);
  }

  /** Wins the election of the next term with the vote of `voter`. Its no-op is not committed yet. */
  elect(voter: BrokerId = 'n2'): this {
    this.clock.advance(Math.max(0, this.raft.deadlineMs - this.nowMs));
    this.raft.tick(this.nowMs);
    this.pump();
    if (this.#peers.length === 0) return this;
    for (const preVote of [true, false]) {
      this.raft.step(this.nowMs, {
        kind: 'voteReply',
        from: voter,
        to: this.id,
        term: this.raft.term,
        preVote,
        requestedTerm: asTerm(this.raft.term + (preVote ? 1 : 0)),
        granted: true,
        commitIndex: asLogIndex(0),
        commitTerm: asTerm(0),
      });
      this.pump();
    }
    return this;
  }

  /** Starts, is elected, and has committed in its term. */
  lead(): this {
    this.start().elect();
    this.ack('n2');
    return this;
  }

  /** `peer` confirms everything up to `match`, or all there is. */
  ack(peer: BrokerId, match: LogIndex = this.raft.lastIndex): void {
    this.raft.step(this.nowMs, this.reply(peer, match));
    this.pump();
  }

  reply(peer: BrokerId, match: LogIndex): AppendReply {
    return {
      kind: 'appendReply',
      from: peer,
      to: this.id,
      term: this.raft.term,
      accepted: true,
      matchIndex: match,
      commitIndex: this.raft.commitIndex,
      readRound: this.raft.progress.get(peer)?.readRoundSent ?? 0,
    };
  }

  /** `leader` leads `term` and sends what follows the entry before the first of `entries`. */
  follow(leader: BrokerId, term: number, entries: readonly Entry[] = [], commit = 0): void {
    const first = entries[0];
    const previous = asLogIndex(first === undefined ? this.raft.lastIndex : first.index - 1);
    const prev = [previous, this.raft.termAt(previous) ?? 0] as const;
    this.raft.step(this.nowMs, append({ from: leader, to: this.id, term, prev, entries, commit }));
    this.pump();
  }
}
