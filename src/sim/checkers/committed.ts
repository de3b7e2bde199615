/**
 * What is committed, once and for all: I4, one entry per committed index and one value per offset; I5,
 * a quorum has it on disk when it is; I6, a leader commits by an entry of its own term; I10, every later
 * leader has it; I12, memberships that follow each other differ by one voter; I15, a leader installs no snapshot.
 */

import { readBatchHeader } from '../../records/batch-header.js';
import type { LogMatching } from './log-matching.js';
import { committedOffsetOf, CONSUMER_GROUP, deletedBelow, recordsOf, votersOf } from './log-matching.js';
import type { ReplicaChange, ReplicaView } from './replica-view.js';
import { Sequences } from './sequences.js';
import { disksThatCount, type SyncedDisk } from './synced-disks.js';
import { holds } from './violation.js';

/** A membership and the index of its entry; 0 for the one that the group was made with. */
export interface MembershipAt {
  readonly index: number;
  readonly voters: readonly string[];
}

/** What a state machine comes to, and where the records that are not deleted begin. */
interface StateAt {
  readonly end: number;
  readonly start: number;
  readonly offset: number | undefined;
}

interface Chain {
  /** By index, from 0: the term of the committed entry, and that of the replica that was first to know. */
  readonly terms: number[];
  readonly knownInTerm: number[];
  /** By offset: the committed value. */
  readonly values: number[];
  /** By committed batch: where it ends, the bytes of all up to there, and the time of its youngest record. */
  readonly batches: { readonly end: number; readonly bytes: number; readonly maxTimestampMs: number }[];
  /** By index: what the state machine comes to there. */
  readonly states: StateAt[];
  /** Committed ones, ascending. */
  readonly memberships: MembershipAt[];
}

export interface Replicas {
  /** What is synced on each disk that a broker has, or had before it was lost. */
  readonly images: readonly SyncedDisk[];
  /** The voters that a group was made with. */
  initialVoters(group: number): readonly string[];
  /** True when its topic is deleted. */
  isDeleted(group: number): boolean;
}

export class Committed {
  readonly #chains = new Map<number, Chain>();
  readonly #sequences = new Sequences();
  readonly #entries: LogMatching;
  readonly #replicas: Replicas;
  readonly #onCommitted: (group: number, term: number) => void;

  constructor(entries: LogMatching, replicas: Replicas, onCommitted: (group: number, term: number) => void) {
    this.#entries = entries;
    this.#replicas = replicas;
    this.#onCommitted = onCommitted;
  }

  chain(group: number): Chain {
    const chain = this.#chains.get(group) ?? {
      terms: [0],
      knownInTerm: [0],
      values: [],
      batches: [],
      states: [{ end: 0, start: 0, offset: undefined }],
      memberships: [{ index: 0, voters: this.#replicas.initialVoters(group) }],
    };
    this.#chains.set(group, chain);
    return chain;
  }

  /**
   * Up to which offset committed records may go. By their bytes they may when those behind have `keptBytes`; by
   * their age where all those are before `sinceMs` that did not go otherwise, below `deleted` or by their bytes.
   */
  expendable(group: number, deleted: number, keptBytes: number, sinceMs: number): number {
    const { batches } = this.chain(group);
    const spareBytes = (batches.at(-1)?.bytes ?? 0) - keptBytes;
    const tooMuch = batches.findLast(({ bytes }) => bytes <= spareBytes)?.end ?? 0;
    const gone = Math.max(deleted, tooMuch);
    const young = batches.findIndex(({ end, maxTimestampMs }) => end > gone && maxTimestampMs >= sinceMs);
    const old = young < 0 ? batches : batches.slice(0, young);
    return Math.max(gone, old.at(-1)?.end ?? 0);
  }

  /** All memberships up to the end of a log, those that are not committed included. */
  membershipsOf({ group, memberships }: ReplicaView): readonly MembershipAt[] {
    const chain = this.chain(group);
    return [...chain.memberships, ...memberships.filter(({ index }) => index >= chain.terms.length)];
  }

  check({ view, before, newFrom, restored }: ReplicaChange): void {
    const { commit, group, broker, term, terms } = view;
    const facts = { group, broker, commit, before: before.commit };
    holds(commit >= before.commit, 'I13', 'a commit index never falls', facts);
    const cut = Math.min(newFrom, before.last + 1);
    holds(cut > before.commit || newFrom > before.last, 'I7', 'nothing committed is truncated', {
      ...facts,
      cut,
    });
    const led = view.role === 'leader' && before.role === 'leader' && before.term === term;
    holds(!led || newFrom > before.last, 'I8', 'a leader only appends to its log', { ...facts, newFrom });
    holds(!led || !restored, 'I15', 'a leader installs no snapshot', facts);
    if (restored) this.#checkSnapshot(view);
    // A commit index may run ahead of the entries, which the log gets with the next pass.
    if (commit === view.compared || commit >= terms.length) return;
    const advanced = led && commit > before.commit;
    holds(!advanced || terms[commit] === term, 'I6', 'a leader commits by an entry of its own term', facts);
    this.#extend(view, view.compared, before.commit);
    view.compared = commit;
  }

  /** I14: a snapshot stands for committed entries. */
  #checkSnapshot(view: ReplicaView): void {
    const { group, broker, base, terms } = view;
    const committed = this.chain(group).terms[base];
    const facts = { group, broker, base, here: terms[base], committed };
    holds(committed === terms[base], 'I14', 'a snapshot stands for committed entries', facts);
    view.compared = Math.max(view.compared, base);
  }

  #extend(view: ReplicaView, known: number, commitBefore: number): void {
    const { commit, group, terms, term, broker } = view;
    const chain = this.chain(group);
    const start = chain.terms.length;
    const memberships = this.membershipsOf(view);
    for (let index = Math.min(known + 1, start); index <= commit; index++) {
      const here = terms[index] ?? 0;
      const facts = { group, index, broker, here, committed: chain.terms[index] };
      if (index < start) {
        holds(chain.terms[index] === here, 'I4', 'one entry is committed at an index', facts);
        continue;
      }
      chain.terms.push(here);
      chain.knownInTerm.push(term);
      const entry = this.#entries.entry(group, index, here);
      holds(entry !== undefined, 'I4', 'what is committed is in a log', facts);
      this.#sequences.committed(group, entry);
      for (const [offset, value] of recordsOf(entry)) {
        holds(offset === chain.values.length, 'I4', 'committed offsets are dense', { ...facts, offset });
        chain.values.push(value);
      }
      const last = chain.states.at(-1);
      const end = chain.values.length;
      if (end > (last?.end ?? 0)) {
        const bytes = (chain.batches.at(-1)?.bytes ?? 0) + entry.payload.length;
        const { maxTimestampMs } = readBatchHeader(entry.payload);
        chain.batches.push({ end, bytes, maxTimestampMs });
      }
      const offset = committedOffsetOf(entry, CONSUMER_GROUP) ?? last?.offset;
      chain.states.push({
        end,
        start: Math.max(last?.start ?? 0, Math.min(end, deletedBelow(entry))),
        offset,
      });
      const voters = votersOf(entry);
      if (voters !== undefined) pushMembership(chain, { index, voters }, facts);
    }
    if (chain.terms.length === start) return;
    this.#checkQuorum(view, memberships, commitBefore);
    this.#onCommitted(group, chain.terms.at(-1) ?? 0);
  }

  /**
   * Asks the disks, not the replicas; and the log who votes: the newest membership, or the one before it where
   * the replica did not know the newest committed. One that is committed now may count for what is behind it.
   */
  #checkQuorum(view: ReplicaView, memberships: readonly MembershipAt[], commitBefore: number): void {
    const { group, commit, terms } = view;
    const newest = memberships.at(-1);
    if (newest === undefined) return;
    const counts = newest.index <= commitBefore ? newest : (memberships.at(-2) ?? newest);
    const isStep = newest.index > commitBefore && newest.index <= commit;
    const ok =
      this.#quorumHas(view, counts.voters, commit) ||
      (isStep &&
        this.#quorumHas(view, counts.voters, newest.index) &&
        this.#quorumHas(view, newest.voters, commit));
    holds(ok, 'I5', 'a quorum has on disk what is committed', {
      group,
      commit,
      term: terms[commit],
      voters: counts.voters,
      newest,
      having: this.#having(view, newest.voters, commit),
    });
  }

  #quorumHas(view: ReplicaView, voters: readonly string[], index: number): boolean {
    return 2 * this.#having(view, voters, index).length > voters.length;
  }

  /** Those of the voters that have the entry on the disk with which the replica knows them (B34). */
  #having({ group, terms, registered }: ReplicaView, voters: readonly string[], index: number): string[] {
    const { images } = this.#replicas;
    const isDeleted = this.#replicas.isDeleted(group);
    return voters.filter((voter) => {
      return disksThatCount(images, voter, registered(voter)).some(
        ({ image }) => image.has(group, index, terms[index] ?? 0) || (isDeleted && image.dropped.has(group)),
      );
    });
  }

  /** I10: leaders of later terms have every committed entry. */
  checkLeader({ group, term, terms, broker, base }: ReplicaView): void {
    const chain = this.chain(group);
    let top = chain.terms.length - 1;
    while (top > 0 && (chain.knownInTerm[top] ?? 0) >= term) top -= 1;
    if (top <= base) return;
    holds(terms[top] === chain.terms[top], 'I10', 'a leader has all that was committed', {
      group,
      term,
      broker,
      index: top,
      here: terms[top],
      committed: chain.terms[top],
    });
  }
}

/** I12: a majority before and a majority after share a voter. */
function pushMembership(
  { memberships }: Chain,
  next: MembershipAt,
  facts: Readonly<Record<string, unknown>>,
): void {
  const before = memberships.at(-1)?.voters ?? [];
  const added = next.voters.filter((voter) => !before.includes(voter)).length;
  const removed = before.filter((voter) => !next.voters.includes(voter)).length;
  const all = { ...facts, before, next: next.voters };
  holds(before.length === 0 || added + removed <= 1, 'I12', 'members change one by one', all);
  memberships.push(next);
}
