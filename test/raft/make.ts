/** Makes entries and messages by hand, for what no healthy peer would send. */

import type { Append, AppendAccepted, VoteRequest } from '../../src/raft/messages.js';
import {
  asLogIndex,
  asTerm,
  type BrokerId,
  ENTRY_KIND,
  type Entry,
  type LogIndex,
} from '../../src/raft/types.js';

export function entry(index: number, term: number, text = `${String(index)}@${String(term)}`): Entry {
  return {
    index: asLogIndex(index),
    term: asTerm(term),
    kind: ENTRY_KIND.RECORD_BATCH,
    payload: new TextEncoder().encode(text),
  };
}

/** Entries at 1 and on, of the given terms. */
export function entries(...terms: readonly number[]): readonly Entry[] {
  return terms.map((term, at) => entry(at + 1, term));
}

export function indexes(...values: readonly number[]): readonly LogIndex[] {
  return values.map(asLogIndex);
}

export interface AppendFields {
  readonly from?: BrokerId;
  readonly to?: BrokerId;
  readonly term: number;
  /** Index and term before the entries; the beginning of the log unless told. */
  readonly prev?: readonly [index: number, term: number];
  readonly commit?: number;
  readonly entries?: readonly Entry[];
  readonly readRound?: number;
}

/** An append from n1 to n2, unless told otherwise. */
export function append(fields: AppendFields): Append {
  const [index, term] = fields.prev ?? [0, 0];
  return {
    kind: 'append',
    from: fields.from ?? 'n1',
    to: fields.to ?? 'n2',
    term: asTerm(fields.term),
    prevLogIndex: asLogIndex(index),
    prevLogTerm: asTerm(term),
    leaderCommit: asLogIndex(fields.commit ?? 0),
    entries: fields.entries ?? [],
    readRound: fields.readRound ?? 0,
  };
}

export interface VoteFields {
  readonly from: BrokerId;
  readonly to: BrokerId;
  readonly term: number;
  readonly preVote?: boolean;
  readonly transfer?: boolean;
  readonly last: readonly [index: number, term: number];
}

export function voteRequest(fields: VoteFields): VoteRequest {
  return {
    kind: 'voteRequest',
    from: fields.from,
    to: fields.to,
    term: asTerm(fields.term),
    preVote: fields.preVote ?? false,
    leadershipTransfer: fields.transfer ?? false,
    lastLogIndex: asLogIndex(fields.last[0]),
    lastLogTerm: asTerm(fields.last[1]),
    commitIndex: asLogIndex(0),
    commitTerm: asTerm(0),
  };
}

export function accepted(from: BrokerId, to: BrokerId, term: number, match: number): AppendAccepted {
  return {
    kind: 'appendReply',
    from,
    to,
    term: asTerm(term),
    accepted: true,
    matchIndex: asLogIndex(match),
    commitIndex: asLogIndex(0),
    readRound: 0,
  };
}
