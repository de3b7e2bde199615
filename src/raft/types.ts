/** Words of the Raft core: terms, indexes, entries, hard state. Pure. */

import { invariant } from '../invariant.js';

declare const brand: unique symbol;

/** Raft's era, from 1; 0 before the first election. An int32 on the wire (Kafka's leader epoch). */
export type Term = number & { readonly [brand]: 'Term' };

/** Position of a Raft entry, from 1; 0 is "before the first". Never an offset: those count records. */
export type LogIndex = number & { readonly [brand]: 'LogIndex' };

/** Name of a broker, unique in the cluster. */
export type BrokerId = string;

/** Number of a Raft group on a broker; 0 is the cluster metadata, partitions count from 1. Never reused. */
export type GroupId = number & { readonly [brand]: 'GroupId' };

/** Greatest term that fits the wire (int32). */
export const TERM_MAX = 2_147_483_647;

export function asTerm(value: number): Term {
  invariant(Number.isInteger(value) && value >= 0 && value <= TERM_MAX, 'term out of range', { value });
  return value as Term;
}

export function asLogIndex(value: number): LogIndex {
  invariant(Number.isSafeInteger(value) && value >= 0, 'log index out of range', { value });
  return value as LogIndex;
}

export function asGroupId(value: number): GroupId {
  invariant(Number.isSafeInteger(value) && value >= 0, 'group id out of range', { value });
  return value as GroupId;
}

/**
 * What an entry's payload is. Raft itself knows `NOOP` and `MEMBERSHIP` only; the others belong to the state
 * machines above and are opaque here.
 */
export const ENTRY_KIND = {
  /** Empty; every leader begins its term with one (Raft section 8). */
  NOOP: 0,
  /** One Kafka v2 record batch. */
  RECORD_BATCH: 1,
  /** Committed offsets of a consumer group. */
  COMMIT_OFFSETS: 2,
  /** A change of the cluster metadata. */
  CLUSTER_COMMAND: 3,
  /** Who the replicas of the group are, from this entry on (membership.ts). */
  MEMBERSHIP: 4,
  /** Deletes the records of a partition below an offset. */
  DELETE_RECORDS: 5,
} as const;

export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND];

/** One entry of a group's log. */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Opaque to Raft. Never changed after the entry was made. */
  readonly payload: Uint8Array;
}

/** Why a leader stops leading by itself, rather than giving way to a later term. */
export type ResignationCause = 'DISK_STALLED' | 'QUORUM_LOST' | 'REASSIGNED';

/** The end of a leadership that the leader itself brought about. */
export interface Resignation {
  readonly term: Term;
  readonly cause: ResignationCause;
  readonly atMs: number;
}

/** What must be durable before any message that depends on it (Raft figure 2, "persistent state"). */
export interface HardState {
  readonly term: Term;
  /** Broker voted for in `term`; undefined for none. */
  readonly votedFor: BrokerId | undefined;
  /**
   * Highest index known committed, inclusive. A hint after a restart: never ahead of the log, and never behind
   * a membership that was in force for longer than a write takes.
   */
  readonly commit: LogIndex;
}
