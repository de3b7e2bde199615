/**
 * What is committed, once and for all: I4, one entry per committed index and one value per offset; I5,
 * a quorum has it on disk when it is; I6, a leader commits by an entry of its own term; I10, every later
 * leader has it.
 */

import type { DurableImage } from '../durable-image.js';
import type { LogMatching } from './log-matching.js';
import { committedOffsetOf, CONSUMER_GROUP, recordsOf } from './log-matching.js';
import type { ReplicaChange, ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

interface Chain {
  /** By index, from 0: the term of the committed entry, and that of the replica that was first to know. */
  readonly terms: number[];
  readonly knownInTerm: number[];
  /** By offset: the committed value. */
  readonly values: number[];
  /** By index: what the state machine comes to there. */
  readonly states: { readonly end: number; readonly offset: number | undefined }[];
}

export interface Replicas {
  /** What is synced on each disk that a broker has, or had before it was lost. */
  readonly images: readonly { readonly broker: string; readonly image: DurableImage }[];
}

export class Committed {
  readonly #chains = new Map<number, Chain>();
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
      states: [{ end: 0, offset: undefined }],
    };
    this.#chains.set(group, chain);
    return chain;
  }

  check({ view, before, newFrom }: ReplicaChange): void {
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
    // A commit index may run ahead of the entries, which the log gets with the next pass.
    if (commit === view.compared || commit >= terms.length) return;
    const advanced = led && commit > before.commit;
    holds(!advanced || terms[commit] === term, 'I6', 'a leader commits by an entry of its own term', facts);
    this.#extend(view, view.compared);
    view.compared = commit;
  }

  #extend(view: ReplicaView, known: number): void {
    const { commit, group, terms, term, broker } = view;
    const chain = this.chain(group);
    const start = chain.terms.length;
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
      for (const [offset, value] of recordsOf(entry)) {
        holds(offset === chain.values.length, 'I4', 'committed offsets are dense', { ...facts, offset });
        chain.values.push(value);
      }
      const offset = committedOffsetOf(entry, CONSUMER_GROUP) ?? chain.states.at(-1)?.offset;
      chain.states.push({ end: chain.values.length, offset });
    }
    if (chain.terms.length === start) return;
    this.#checkQuorum(view);
    this.#onCommitted(group, chain.terms.at(-1) ?? 0);
  }

  /** Asks the disks, not the replicas. Who votes is the leader's word until membership has its own checker. */
  #checkQuorum({ group, commit, terms, host }: ReplicaView): void {
    const { voters } = host.raft;
    const having = this.#replicas.images
      // One that has dropped the group had it before: its topic is deleted.
      .filter(
        ({ image }) => image.dropped.has(group) || image.groups.get(group)?.terms[commit] === terms[commit],
      )
      .filter(({ broker }) => voters.includes(broker));
    const brokers = new Set(having.map(({ broker }) => broker));
    holds(2 * brokers.size > voters.length, 'I5', 'a quorum has on disk what is committed', {
      group,
      commit,
      having: [...brokers],
    });
  }

  /** I10: leaders of later terms have every committed entry. */
  checkLeader({ group, term, terms, broker }: ReplicaView): void {
    const chain = this.chain(group);
    let top = chain.terms.length - 1;
    while (top > 0 && (chain.knownInTerm[top] ?? 0) >= term) top -= 1;
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
