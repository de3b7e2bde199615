/**
 * Deletes the records that are older, or more, than their topics keep. The leader of a partition decides and
 * proposes a deletion; every replica deletes by its entry in the log, so all of them by the same offset.
 *
 * One timer of the broker for all partitions: every interval it begins a pass, which looks at a bounded number of
 * them in a turn. A look costs nothing but memory reads, and a partition with nothing to delete sends nothing.
 */

import type { PartitionAssignment } from '../cluster/cluster-types.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import { configInForce, UNLIMITED } from '../cluster/topic-config.js';
import type { GroupId } from '../raft/types.js';
import type { Offset } from '../records/offset.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { LIMITS } from './limits.js';
import type { PartitionHost } from './partition-host.js';
import type { Partitions } from './partitions.js';

/** What of a broker is needed here. */
export interface RetentionContext {
  readonly clock: Clock;
  state(): ClusterState;
  wake(group: GroupHost): void;
  log(message: string, facts: Readonly<Record<string, unknown>>): void;
}

export class Retention {
  readonly #context: RetentionContext;
  readonly #partitions: Partitions;
  readonly #intervalMs: number;
  /** What is left to look at of the pass that runs. */
  #pass: Iterator<PartitionAssignment> | undefined;
  /** Groups whose deletion is not committed yet. */
  readonly #deleting = new Set<GroupId>();
  #cancel: (() => void) | undefined;

  /** @param intervalMs From the end of one pass to the next; `LIMITS.retentionCheckMs` where it is left out. */
  constructor(
    context: RetentionContext,
    partitions: Partitions,
    intervalMs: number = LIMITS.retentionCheckMs,
  ) {
    this.#context = context;
    this.#partitions = partitions;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#arm(this.#intervalMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#context.clock.schedule(delayMs, () => {
      this.#arm(this.#turn() ? this.#intervalMs : LIMITS.retentionTurnMs);
    });
  }

  /** Looks at the next partitions. True when the pass is over. */
  #turn(): boolean {
    this.#pass ??= this.#context.state().byGroup.values();
    for (let looks = 0; looks < LIMITS.retentionLooksMax; looks += 1) {
      if (this.#deleting.size >= LIMITS.retentionDeletionsMax) return false;
      const next = this.#pass.next();
      if (next.done === true) {
        this.#pass = undefined;
        return true;
      }
      this.#look(next.value);
    }
    return false;
  }

  #look({ topic, group }: PartitionAssignment): void {
    const replica = this.#partitions.get(group);
    const config = this.#context.state().topics.get(topic)?.config;
    if (replica?.leads !== true || config === undefined || this.#deleting.has(group)) return;
    const { retention_bytes: bytes, retention_ms: ageMs } = configInForce(config);
    const before = replica.log.expired({
      bytes: bytes === UNLIMITED ? undefined : bytes,
      sinceMs: ageMs === UNLIMITED ? undefined : this.#context.clock.wallMs() - ageMs,
    });
    if (before === undefined || before <= replica.log.logStartOffset) return;
    this.#deleting.add(group);
    void this.#delete(replica, before);
  }

  async #delete(replica: PartitionHost, before: Offset): Promise<void> {
    const { group } = replica.assignment;
    try {
      await replica.deleteRecords(before, LIMITS.defaultTimeoutMs, () => this.#context.wake(replica.group));
    } catch (error) {
      // Nothing is lost by it: the next pass, here or at the next leader, finds the same records.
      this.#context.log('records past their retention were not deleted', { group, error: String(error) });
    } finally {
      this.#deleting.delete(group);
    }
  }
}
