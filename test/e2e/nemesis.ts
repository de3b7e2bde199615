/** Breaks a cluster of processes step by step, by a seeded plan, and mends it after each step. */
import type { BellwetherClient, PartitionRef } from '../../src/client/index.js';
import { SeededRandom } from '../raft/seeded-random.js';
import type { HistoryRecorder } from './history.js';
import { keyOf } from './history.js';
import { type ProcessCluster, until } from './processes.js';

/** What a step does; each ends with three brokers in sync. */
const FAULTS = ['kill-leader', 'pause-leader', 'failover', 'kill-follower', 'no-quorum', 'kill-all'] as const;
type Fault = (typeof FAULTS)[number];

/** Records acknowledged during a fault that leaves a quorum, and again after each step. */
const WRITES_PER_PHASE = 60;

/** Process numbers of the nemesis's own sends, one for each step so that none follows an unknown one. */
const PROBE_PROCESS_BASE = 1_000;
const PROBE_TIMEOUT_MS = 700;

/** How long a call to a broken cluster may take, and how long the cluster may take to recover. */
const CALL_TIMEOUT_MS = 2_000;
const RECOVERY_MAX_MS = 15_000;

export interface Step {
  readonly fault: Fault;
  readonly ref: PartitionRef;
}

/** Steps without end: every fault once in a drawn order, then any. One seed gives one plan. */
export function* planOf(seed: number, refs: readonly PartitionRef[]): Generator<Step, never> {
  const random = new SeededRandom(seed);
  const order = FAULTS.map((fault) => ({ fault, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  for (const { fault } of order) yield { fault, ref: random.pick(refs)! };
  for (;;) yield { fault: random.pick(FAULTS)!, ref: random.pick(refs)! };
}

export class Nemesis {
  readonly #cluster: ProcessCluster;
  readonly #client: BellwetherClient;
  readonly #recorder: HistoryRecorder;
  readonly #refs: readonly PartitionRef[];
  readonly #leaders = new Map<PartitionRef, string>();
  readonly #done: string[];
  /** Times that a partition was seen led by another broker than before. */
  leaderChanges = 0;

  /** `done` is filled with what was done, for the message of a failure. */
  constructor(
    cluster: ProcessCluster,
    client: BellwetherClient,
    recorder: HistoryRecorder,
    refs: readonly PartitionRef[],
    done: string[],
  ) {
    this.#cluster = cluster;
    this.#client = client;
    this.#recorder = recorder;
    this.#refs = refs;
    this.#done = done;
  }

  /** Breaks, waits for writes to go on where they can, mends, and waits until all replicas are in sync. */
  async take({ fault, ref }: Step): Promise<void> {
    const leader = await this.#leaderOf(ref);
    const followers = this.#cluster.ids.filter((id) => id !== leader);
    this.#done.push(`${fault} ${keyOf(ref)} (leader ${leader})`);
    await this.#inflict(fault, ref, leader, followers);
    await this.healed();
    await this.#recorder.moreAcknowledged(WRITES_PER_PHASE, RECOVERY_MAX_MS);
  }

  /** Waits until every partition has a leader and three replicas in sync. */
  async healed(): Promise<void> {
    for (const ref of this.#refs) {
      await until(
        `${keyOf(ref)} has three replicas in sync`,
        async () => {
          const { leader, inSyncReplicas } = await this.#client.partitionLeader(ref, {
            timeoutMs: CALL_TIMEOUT_MS,
          });
          const before = this.#leaders.get(ref);
          if (before !== undefined && before !== leader) this.leaderChanges += 1;
          this.#leaders.set(ref, leader);
          return inSyncReplicas.length === this.#cluster.ids.length;
        },
        RECOVERY_MAX_MS,
      );
    }
  }

  async #inflict(
    fault: Fault,
    ref: PartitionRef,
    leader: string,
    followers: readonly string[],
  ): Promise<void> {
    switch (fault) {
      case 'kill-leader':
        await this.#cluster.kill(leader);
        await this.#replaced(ref, leader);
        await this.#relaunch([leader]);
        return;
      case 'kill-follower':
        await this.#cluster.kill(followers[0]!);
        await this.#recorder.moreAcknowledged(WRITES_PER_PHASE, RECOVERY_MAX_MS);
        await this.#relaunch([followers[0]!]);
        return;
      case 'kill-all':
        await Promise.all(this.#cluster.ids.map((id) => this.#cluster.kill(id)));
        await this.#relaunch(this.#cluster.ids);
        return;
      case 'pause-leader':
        this.#cluster.signal(leader, 'SIGSTOP');
        await this.#replaced(ref, leader);
        this.#cluster.signal(leader, 'SIGCONT');
        return;
      case 'no-quorum': {
        for (const id of followers) this.#cluster.signal(id, 'SIGSTOP');
        const prober = PROBE_PROCESS_BASE + this.#done.length;
        const outcome = await this.#recorder.send(prober, this.#client, ref, 1, PROBE_TIMEOUT_MS);
        for (const id of followers) this.#cluster.signal(id, 'SIGCONT');
        if (outcome === 'ok') throw new Error(`${leader} acknowledged a record without a quorum`);
        return;
      }
      case 'failover': {
        const { newLeader } = await this.#client.partitionFailover({ ...ref, failedLeader: leader });
        if (newLeader === leader) throw new Error(`a failover from ${leader} answered ${newLeader}`);
        return;
      }
    }
  }

  /** Waits until another broker leads, and takes writes. */
  async #replaced(ref: PartitionRef, leader: string): Promise<void> {
    await until(
      `another broker than ${leader} leads ${keyOf(ref)}`,
      async () => (await this.#leaderOf(ref)) !== leader,
      RECOVERY_MAX_MS,
    );
    await this.#recorder.moreAcknowledged(WRITES_PER_PHASE, RECOVERY_MAX_MS);
  }

  async #relaunch(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#cluster.launch(id);
    await this.#cluster.allAlive();
  }

  async #leaderOf(ref: PartitionRef): Promise<string> {
    return (await this.#client.partitionLeader(ref, { timeoutMs: CALL_TIMEOUT_MS })).leader;
  }
}
