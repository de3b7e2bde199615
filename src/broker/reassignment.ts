/**
 * Moves the members of the groups that this broker leads to where the cluster metadata wants them, one
 * change at a time, and tells the controller what has been committed. Driven by the groups' own passes:
 * nothing polls, and a group that is as it should be costs one comparison a pass.
 */

import type { ClusterChange } from '../cluster/cluster-types.js';
import type { MembershipChanged } from '../cluster/commands.js';
import { desiredMembers, type MembershipView } from '../cluster/desired.js';
import { nextChange } from '../cluster/next-change.js';
import type { BrokerId, GroupId, Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import { CLUSTER_GROUP } from './cluster-host.js';
import type { GroupHost } from './group-host.js';
import { LIMITS } from './limits.js';

export interface ReassignmentContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  state(): MembershipView;
  groups(): Iterable<GroupHost>;
  groupOf(id: GroupId): GroupHost | undefined;
  wake(group: GroupHost): void;
  /** Has the controller apply a command. */
  submit(command: MembershipChanged): Promise<void>;
  log(message: string, facts: Readonly<Record<string, unknown>>): void;
}

export class Reassignment {
  readonly #context: ReassignmentContext;
  /** Groups that were as they should be when last looked at, in that term of this broker's lead. */
  readonly #settled = new Map<GroupId, Term>();
  /** Groups of which a report is on its way to the controller, or about to be sent again. */
  readonly #reporting = new Set<GroupId>();

  constructor(context: ReassignmentContext) {
    this.#context = context;
  }

  /** Notes what the metadata wants differently; the groups concerned are looked at in their next pass. */
  metadataChanged(changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'assignmentChanged') this.#lookAt(change.after.group);
      // A broker that leaves votes in group 0 until it serves no partition any more.
      if (change.kind === 'assignmentChanged' || change.kind === 'topicDeleted') this.#lookAt(CLUSTER_GROUP);
      // Which disks there are decides over the members of any group.
      if (change.kind === 'brokerChanged' || change.kind === 'brokerGone') this.lookAtAll();
    }
  }

  lookAtAll(): void {
    this.#settled.clear();
    for (const group of this.#context.groups()) this.#context.wake(group);
  }

  forget(group: GroupId): void {
    this.#settled.delete(group);
  }

  /** Takes the next step for a group that went through the loop. */
  groupAdvanced(group: GroupHost): void {
    const { raft, id } = group;
    if (!raft.leadsWithCommit || this.#settled.get(id) === raft.term) return;
    const desired = desiredMembers(this.#context.state(), id, raft.voters);
    if (desired.length === 0) return;
    // Who keeps a replica goes by what was reported: it must never be two steps behind.
    if (this.#report(group) && this.#change(group, desired)) this.#settled.set(id, raft.term);
  }

  /** True when the members are those desired, and nothing is left to do. */
  #change(group: GroupHost, desired: readonly BrokerId[]): boolean {
    const { raft } = group;
    const { clock, self } = this.#context;
    const next = nextChange(
      {
        ...raft.membership,
        leader: self,
        isCaughtUp: (learner) => raft.isCaughtUp(learner),
        isAlive: (broker) => broker === self || raft.isAlive(broker),
      },
      desired,
    );
    if (next.kind === 'handOver' && raft.transferTarget === undefined) {
      const nowMs = clock.monotonicMs();
      const begun = raft.transferLeadership(nowMs, undefined, LIMITS.maxBlockMsDefault, 'REASSIGNED');
      // Refused while whoever is left is about to stop: a later event tries again, a pass at once would spin.
      if (begun.ok) this.#context.wake(group);
    }
    if (next.kind === 'propose') {
      // Refused while the change before it is not committed, or no quorum is there: a later pass tries again.
      const proposed = raft.proposeMembership(next.membership);
      if (proposed.ok) {
        this.#context.log('changing members', { group: group.id, ...next.membership });
        this.#context.wake(group);
      }
    }
    // What is in the log and not committed yet may be what a cancelled move wanted: it is looked at once it is in force.
    return next.kind === 'done' && raft.newestMembership.index === raft.membershipIndex;
  }

  /** Tells the controller of a membership that it does not know. True when it knows the one in force. */
  #report(group: GroupHost): boolean {
    const { raft, id } = group;
    const known = this.#context.state().assignment(id)?.membership.index ?? Infinity;
    if (id === CLUSTER_GROUP || raft.membershipIndex <= known) return true;
    if (this.#reporting.has(id) || !raft.membershipIsKnown) return false;
    this.#reporting.add(id);
    const command = {
      kind: 'membershipChanged',
      group: id,
      index: raft.membershipIndex,
      ...raft.membership,
    } as const;
    this.#context.submit(command).then(
      () => {
        this.#reported(id);
      },
      (error: unknown) => {
        this.#context.log('could not report members yet', { group: id, error: String(error) });
        this.#context.clock.schedule(LIMITS.registerRetryMs, () => {
          this.#reported(id);
        });
      },
    );
    return false;
  }

  #reported(id: GroupId): void {
    this.#reporting.delete(id);
    this.#lookAt(id);
  }

  #lookAt(id: GroupId): void {
    this.#settled.delete(id);
    const group = this.#context.groupOf(id);
    if (group !== undefined) this.#context.wake(group);
  }
}
