/**
 * Group 0 on this broker: applies cluster commands, and appends them when this broker is the controller.
 */

import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import { ClusterLog, type SnapshotSpacing } from '../cluster/cluster-log.js';
import type { ClusterChange } from '../cluster/cluster-types.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import {
  type ClusterCommand,
  type CommandResult,
  decodeResult,
  encodeCommand,
  encodeResult,
} from '../cluster/commands.js';
import type { Snapshot } from '../raft/log.js';
import { asGroupId, type BrokerId, type Entry, ENTRY_KIND, type LogIndex, type Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost, GroupMachine } from './group-host.js';
import type { SubmitResult } from './peer-port.js';
import { append, committed, type Proposal } from './proposals.js';

/** The cluster metadata's group. */
export const CLUSTER_GROUP = asGroupId(0);

/** How errors name the cluster metadata. */
export const CLUSTER_SUBJECT = { topic: '__cluster', partition: 0 } as const;

/** Longest time for which the controller waits until the live brokers have applied a change. */
const SPREAD_WAIT_MS = 500;

/** A command for the log of group 0. */
export interface EncodedCommand {
  readonly payload: Uint8Array;
  /** Wait until the live brokers have applied it. */
  readonly spreads: boolean;
}

/** False for what nobody acts on: a client goes on with any broker, whether it has that yet or not. */
export function spreads({ kind }: ClusterCommand): boolean {
  return kind !== 'recordLeadership' && kind !== 'takeProducerIds';
}

interface IndexWaiter {
  readonly index: LogIndex;
  resolve(): void;
}

/** Where the result of a command of this broker goes, once it is applied. */
interface ResultSlot {
  bytes: Uint8Array | undefined;
}

/** Told of the metadata as it changes. */
export interface ClusterEvents {
  changed(changes: readonly ClusterChange[]): void;
  /** Another state took the place of the one before: a snapshot of a later one. */
  restored(): void;
}

export class ClusterHost implements GroupMachine {
  readonly #clock: Clock;
  readonly #log: ClusterLog;
  readonly #events: ClusterEvents;
  /** By index; a newer command takes the place of one that was lost at the same index. */
  readonly #results = new Map<LogIndex, ResultSlot>();
  readonly #appliedWaiters = new Set<IndexWaiter>();
  readonly #spreadWaiters = new Set<IndexWaiter>();
  #group: GroupHost | undefined;
  #namedInTerm: Term | undefined;

  constructor(clock: Clock, events: ClusterEvents, spacing?: SnapshotSpacing) {
    this.#clock = clock;
    this.#log = new ClusterLog(spacing);
    this.#events = events;
  }

  get state(): ClusterState {
    return this.#log.state;
  }

  /** Index up to which `state` has taken in the log; 0 before the broker has started. */
  get appliedIndex(): number {
    return this.#group?.appliedIndex ?? 0;
  }

  attach(group: GroupHost): void {
    this.#group = group;
  }

  get group(): GroupHost {
    if (this.#group === undefined) throw new BellwetherError('SHUTTING_DOWN', 'the broker has not started');
    return this.#group;
  }

  /** Voters and learners of group 0; undefined before the broker has started. */
  get members(): readonly BrokerId[] | undefined {
    const membership = this.#group?.raft.membership;
    return membership && [...membership.voters, ...membership.learners];
  }

  /** Voters of group 0 in force; undefined before the broker has started. */
  get voters(): readonly BrokerId[] | undefined {
    return this.#group?.raft.voters;
  }

  appended(entry: Entry): void {
    this.#log.appended(entry);
  }

  truncatedFrom(index: LogIndex): void {
    this.#log.truncatedFrom(index);
  }

  restored(snapshot: Snapshot): void {
    this.#log.restored(snapshot);
    this.#events.restored();
    settleUpTo(this.#appliedWaiters, snapshot.index);
  }

  compactable(): LogIndex {
    return this.#log.compactable();
  }

  snapshot(appliedIndex: LogIndex): Uint8Array {
    return this.#log.snapshot(appliedIndex);
  }

  compactedTo(index: LogIndex): void {
    this.#log.compactedTo(index);
  }

  committedTo(index: LogIndex): void {
    for (const applied of this.#log.committedTo(index)) {
      const slot = this.#results.get(applied.index);
      if (slot !== undefined) slot.bytes = encodeResult(applied.result);
      this.#events.changed(applied.changes);
    }
    settleUpTo(this.#appliedWaiters, index);
  }

  /** Looks, after each pass, who has learned what, and names a new cluster once. */
  advanced(woken: () => void): void {
    const { raft } = this.group;
    if (raft.leadsWithCommit && this.state.clusterId === '' && this.#namedInTerm !== raft.term) {
      const command = encodeCommand({ kind: 'initCluster', clusterId: this.#clock.newUuid() });
      if (this.group.propose(ENTRY_KIND.CLUSTER_COMMAND, command).ok) {
        this.#namedInTerm = raft.term;
        woken();
      }
    }
    if (this.#spreadWaiters.size === 0) return;
    let known = raft.commitIndex;
    for (const [peer, { commitConfirmed }] of raft.progress) {
      // A learner may be far behind; nobody is sent to it.
      const counts = raft.isAlive(peer) && raft.voters.includes(peer);
      if (counts && commitConfirmed < known) known = commitConfirmed;
    }
    settleUpTo(this.#spreadWaiters, known);
  }

  /**
   * Appends a command as the controller. Resolves once it is applied here and, where that is asked for and
   * they are quick, on all live brokers, so that a client may go on with any of them.
   */
  async append(
    { payload, spreads: isAwaited }: EncodedCommand,
    timeoutMs: number,
    elsewhere: () => BellwetherError,
    woken: () => void,
  ): Promise<SubmitResult> {
    const proposal: Proposal = {
      group: this.group,
      subject: CLUSTER_SUBJECT,
      kind: ENTRY_KIND.CLUSTER_COMMAND,
      payload,
      elsewhere,
    };
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    const appended = append(proposal);
    const { index } = appended;
    const slot: ResultSlot = { bytes: undefined };
    this.#results.set(index, slot);
    woken();
    try {
      await committed(this.#clock, proposal, appended, timeoutMs);
      invariant(slot.bytes !== undefined, 'a committed command was applied', { index });
      const leftMs = deadlineMs - this.#clock.monotonicMs();
      if (isAwaited) await this.#reached(this.#spreadWaiters, index, Math.min(SPREAD_WAIT_MS, leftMs), woken);
      return { index, result: slot.bytes };
    } finally {
      if (this.#results.get(index) === slot) this.#results.delete(index);
    }
  }

  /** Resolves with true once this broker has applied `index`, with false after `timeoutMs`. */
  async applied(index: LogIndex, timeoutMs: number): Promise<boolean> {
    if (this.group.appliedIndex >= index) return true;
    return this.#reached(this.#appliedWaiters, index, timeoutMs, () => undefined);
  }

  #reached(
    waiters: Set<IndexWaiter>,
    index: LogIndex,
    timeoutMs: number,
    woken: () => void,
  ): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (reached: boolean): void => {
        cancel();
        waiters.delete(waiter);
        resolve(reached);
      };
      const waiter = {
        index,
        resolve: () => {
          finish(true);
        },
      };
      const cancel = this.#clock.schedule(timeoutMs, () => {
        finish(false);
      });
      waiters.add(waiter);
      woken();
    });
  }
}

/** What applying a command came to; throws it, unless the command was accepted. */
export function checkResult(bytes: Uint8Array): CommandResult & { readonly ok: true } {
  const result = decodeResult(bytes);
  if (result.ok) return result;
  throw new BellwetherError(result.reason, result.message, { metadata: result.metadata });
}

function settleUpTo(waiters: ReadonlySet<IndexWaiter>, index: LogIndex): void {
  for (const waiter of [...waiters]) if (waiter.index <= index) waiter.resolve();
}
