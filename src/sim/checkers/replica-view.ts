/** What the checkers remember of one replica in one life of its broker, from one event to the next. */

import type { GroupHost } from '../../broker/group-host.js';
import type { Role } from '../../raft/state.js';
import { asLogIndex, type BrokerId, type GroupId } from '../../raft/types.js';

export interface ReplicaView {
  readonly broker: BrokerId;
  readonly life: number;
  readonly group: GroupId;
  readonly host: GroupHost;
  /** `terms[i]` is the term of the entry at index i; 0 at index 0. */
  readonly terms: number[];
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
}

export function newView(broker: BrokerId, life: number, host: GroupHost): ReplicaView {
  return {
    broker,
    life,
    group: host.id,
    host,
    terms: [0],
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
  const sameLog = terms.length === last + 1 && terms[last] === raft.termAt(last);
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
  const newFrom = sameLog ? last + 1 : copyTerms(view);
  Object.assign(view, { term, role, commit, durable, applied });
  return { view, before, newFrom };
}

/** Where two logs are equal they are equal before: only the end has to be looked at. */
function copyTerms(view: ReplicaView): number {
  const { terms } = view;
  const { raft } = view.host;
  const last = raft.lastIndex;
  let equal = Math.min(terms.length - 1, last);
  while (equal > 0 && terms[equal] !== raft.termAt(asLogIndex(equal))) equal -= 1;
  terms.length = equal + 1;
  for (let index = equal + 1; index <= last; index++) terms.push(raft.termAt(asLogIndex(index)) ?? 0);
  view.read = Math.min(view.read, equal);
  return equal + 1;
}
