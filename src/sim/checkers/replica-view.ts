/** What the checkers remember of one replica in one life of its broker, from one event to the next. */

import type { GroupHost } from '../../broker/group-host.js';
import type { Role } from '../../raft/state.js';
import { asLogIndex, type BrokerId, type GroupId } from '../../raft/types.js';

export interface LoggedMembership {
  readonly index: number;
  readonly voters: readonly BrokerId[];
  readonly term: number;
}

export interface ReplicaView {
  readonly broker: BrokerId;
  readonly life: number;
  readonly group: GroupId;
  readonly host: GroupHost;
  /** Incarnation with which this broker knows another to be registered; empty for none. */
  readonly registered: (broker: BrokerId) => string;
  /** Last entry that is gone, with a snapshot in its place. */
  base: number;
  /** `terms[i]` is the term of the entry at index i; 0 at index 0, and where a snapshot hides it. */
  readonly terms: number[];
  /** Membership entries in the log, ascending, as far as it was read. */
  readonly memberships: LoggedMembership[];
  /** The state machine has the effects of entries up to here: a snapshot may be ahead of its index. */
  effect: number;
  term: number;
  role: Role;
  commit: number;
  applied: number;
  durable: number;
  /** Up to here the committed entries were compared with what all agree on. */
  compared: number;
  /** Up to here the entries themselves were looked at; the core has entries before the log can be read. */
  read: number;
}

/** What changed in an event. */
export interface ReplicaChange {
  readonly view: ReplicaView;
  /** As it was before; the view itself is as it is now. */
  readonly before: {
    readonly term: number;
    readonly role: Role;
    readonly commit: number;
    readonly last: number;
  };
  /** First index that is new or was replaced; last + 1 for none. */
  readonly newFrom: number;
  /** A snapshot took the place of the whole log. */
  readonly restored: boolean;
}

export function newView(
  broker: BrokerId,
  life: number,
  host: GroupHost,
  registered: ReplicaView['registered'],
): ReplicaView {
  return {
    broker,
    life,
    group: host.id,
    host,
    registered,
    base: 0,
    terms: [0],
    memberships: [],
    effect: 0,
    term: 0,
    role: 'follower',
    commit: 0,
    applied: 0,
    durable: 0,
    compared: 0,
    read: 0,
  };
}

/** Brings the view up to date; undefined when nothing that checkers look at has changed. */
export function refresh(view: ReplicaView): ReplicaChange | undefined {
  const { host, terms } = view;
  const { raft } = host;
  const last = raft.lastIndex;
  const base = raft.snapshot?.index ?? 0;
  const sameLog = base === view.base && terms.length === last + 1 && terms[last] === raft.termAt(last);
  const { term, role, commitIndex: commit, durableIndex: durable } = raft;
  const applied = host.appliedIndex;
  if (
    sameLog &&
    term === view.term &&
    role === view.role &&
    commit === view.commit &&
    durable === view.durable &&
    applied === view.applied &&
    (view.read === last || host.log.lastIndex === view.read)
  ) {
    return undefined;
  }
  const before = { term: view.term, role: view.role, commit: view.commit, last: terms.length - 1 };
  const restored = base > view.base && terms[base] !== raft.snapshot?.term;
  const newFrom = sameLog ? last + 1 : copyTerms(view, base, restored);
  Object.assign(view, { term, role, commit, durable, applied });
  return { view, before, newFrom, restored };
}

/** Where two logs are equal they are equal before: only the end has to be looked at. */
function copyTerms(view: ReplicaView, base: number, restored: boolean): number {
  const { terms } = view;
  const { raft } = view.host;
  const last = raft.lastIndex;
  view.base = base;
  if (restored) {
    // What was committed here stays known; nothing is known of the rest that the snapshot stands for.
    terms.length = Math.min(terms.length, view.commit + 1);
    while (terms.length < base) terms.push(0);
    terms[base] = raft.termAt(asLogIndex(base)) ?? 0;
    view.read = base;
    view.memberships.length = 0;
  }
  let equal = Math.min(terms.length - 1, last);
  while (equal > base && terms[equal] !== raft.termAt(asLogIndex(equal))) equal -= 1;
  terms.length = equal + 1;
  for (let index = equal + 1; index <= last; index++) terms.push(raft.termAt(asLogIndex(index)) ?? 0);
  view.read = Math.max(base, Math.min(view.read, equal));
  while ((view.memberships.at(-1)?.index ?? 0) > equal) view.memberships.pop();
  return restored ? base : equal + 1;
}
