/** What the tests of the journal share: a small journal on a faulty disk, and short ways to write to it. */
import { BellwetherError } from '../../src/errors.js';
import type { Snapshot } from '../../src/raft/log.js';
import { encodeMembership, type Membership } from '../../src/raft/membership.js';
import {
  asGroupId,
  asLogIndex,
  asTerm,
  type Entry,
  ENTRY_KIND,
  type GroupId,
  type HardState,
} from '../../src/raft/types.js';
import type { GroupLog } from '../../src/storage/group-log.js';
import { Journal, type JournalWrite } from '../../src/storage/journal.js';
import type { JournalOptions } from '../../src/storage/journal-options.js';
import type { RecoveredGroup } from '../../src/storage/journal-replay.js';
import type { FaultyDisk } from './faulty-file-system.js';

export const DIRECTORY = 'data/journal';
export const INCARNATION = '3f0c1a52-7f0b-4d7e-9d58-0a3c5be1d001';

export function filePath(sequence: number): string {
  return `${DIRECTORY}/${String(sequence).padStart(16, '0')}.log`;
}

export function openJournal(disk: FaultyDisk, options: Partial<JournalOptions> = {}) {
  return Journal.open({
    fileSystem: disk.mount(),
    directory: DIRECTORY,
    incarnation: INCARNATION,
    fileBytes: 64 * 1024,
    preallocateBytes: 4096,
    cacheBytes: 1024 * 1024,
    // Files stay, so that a test can look at them; those of checkpoints say otherwise.
    checkpointFiles: Infinity,
    ...options,
  });
}

export function entry(index: number, term: number, payload: string | Uint8Array = `e${index}`): Entry {
  return {
    index: asLogIndex(index),
    term: asTerm(term),
    kind: ENTRY_KIND.RECORD_BATCH,
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
  };
}

/** An entry that makes `voters` the voters. */
export function membershipEntry(index: number, term: number, ...voters: string[]): Entry {
  const payload = encodeMembership(membershipOf(...voters));
  return { ...entry(index, term, payload), kind: ENTRY_KIND.MEMBERSHIP };
}

export function membershipOf(...voters: string[]): Membership {
  return { voters, learners: [] };
}

export function snapshotOf(index: number, term: number, data = '', ...voters: string[]): Snapshot {
  return {
    index: asLogIndex(index),
    term: asTerm(term),
    membership: membershipOf(...voters),
    data: new TextEncoder().encode(data),
  };
}

export function hardState(term: number, votedFor?: string, commit = 0): HardState {
  return { term: asTerm(term), votedFor, commit: asLogIndex(commit) };
}

/** Writes of one group, as the scheduler does them: to the log first, then to the journal. */
export class GroupWriter {
  readonly group: GroupId;
  readonly log: GroupLog;
  readonly #journal: Journal;

  constructor(journal: Journal, group: number, recovered?: RecoveredGroup) {
    this.group = asGroupId(group);
    this.#journal = journal;
    this.log = recovered?.log ?? journal.createGroupLog(this.group);
  }

  state(term: number, votedFor?: string, commit = 0): number {
    return this.#journal.submit([
      { kind: 'hardState', group: this.group, state: hardState(term, votedFor, commit) },
    ]);
  }

  append(...entries: Entry[]): number {
    this.log.append(entries);
    return this.#journal.submit([{ kind: 'entries', group: this.group, entries }]);
  }

  install(snapshot: Snapshot): number {
    this.log.install(snapshot);
    return this.#journal.submit([{ kind: 'snapshot', group: this.group, snapshot }]);
  }

  drop(): number {
    const write: JournalWrite = { kind: 'dropGroup', group: this.group };
    return this.#journal.submit([write]);
  }
}

/** Hears what a journal reports. */
export function recordReports(journal: Journal): { durable: number[]; failed: BellwetherError[] } {
  const reports = { durable: [] as number[], failed: [] as BellwetherError[] };
  journal.listen({
    onDurable: (sequence) => reports.durable.push(sequence),
    onFailed: (error) => reports.failed.push(error),
  });
  return reports;
}

/** Everything that a log holds, as text. */
export function logText(log: GroupLog): string[] {
  const entries = log.entries(log.firstIndex, asLogIndex(log.lastIndex + 1), Number.MAX_SAFE_INTEGER);
  return entries.map(
    ({ index, term, kind, payload }) => `${index}/${term}/${kind}:${Buffer.from(payload).toString('latin1')}`,
  );
}

/** What a log begins with, as text; undefined while it has everything. */
export function snapshotText({ snapshot }: GroupLog): string | undefined {
  if (snapshot === undefined) return undefined;
  const { index, term, membership, data } = snapshot;
  return `${index}/${term}/${membership.voters.join()}:${Buffer.from(data).toString('latin1')}`;
}

/** Which memberships a log holds, as text. */
export function membershipsText({ memberships }: GroupLog): string[] {
  return memberships.map(({ index, membership }) => `${index}/${membership.voters.join()}`);
}

/** The error that a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<BellwetherError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BellwetherError) return error;
    throw error;
  }
  throw new Error('it was expected to reject');
}
