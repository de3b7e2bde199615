/**
 * One run from one seed. The seed draws the cluster, the load and which faults are on and how hard. First
 * safety under fire; then the faults stop, and the cluster must come to rest and serve within a bound.
 */

import { OUTSIDE } from './scheduler.js';
import { BellwetherError } from '../errors.js';
import { checkHistory } from '../history/check.js';
import { asGroupId, type BrokerId } from '../raft/types.js';
import { astray, checkEqual, thoseAtRest, unrest, unsettled } from './checkers/liveness.js';
import type { ReplicaView } from './checkers/replica-view.js';
import { holds, Violation } from './checkers/violation.js';
import { Clients } from './clients.js';
import { TOPIC } from './producers.js';
import { drawLoad, drawPlan, drawSettings } from './draw.js';
import { type Fault, type FaultPlan, Faults } from './faults.js';
import type { Plant } from './plants/plant.js';
import type { Machine } from './machine.js';
import { World } from './world.js';

/** How long it burns, in simulated time. */
const FIRE_MS = 20_000;
/** Within this time after the last fault there is one leader per group, and all replicas are equal. */
const REST_MS_MAX = 15_000;
/** Longest time in which every call of a client must have been answered. */
const ANSWER_MS_MAX = 6_000;
/** How often a committed offset is asked for in the end before it counts as unreadable. */
const OFFSET_QUESTIONS_MAX = 3;
const ASK_AGAIN_MS = 100;
/** Number of the first client that reads everything at the end, one for each broker. */
const FINAL_READER = 2_000;
/** Number of the first client that writes once all is healed, one for each partition. */
const FINAL_WRITER = 1_000;

export interface RunOptions {
  readonly seed: number;
  readonly plant?: Plant | undefined;
  readonly print?: ((line: string) => void) | undefined;
  /** Duration of the first phase, in simulated time. */
  readonly fireMs?: number | undefined;
  /** Faults instead of those that the seed draws. */
  readonly plan?: FaultPlan | undefined;
  /** Nobody moves leaders, deletes topics, or loses single messages. */
  readonly calm?: boolean | undefined;
}

export interface RunReport {
  readonly seed: number;
  readonly failure:
    | { readonly message: string; readonly stack: string | undefined; readonly lastLines: readonly string[] }
    | undefined;
  readonly virtualMs: number;
  readonly events: number;
  readonly messages: number;
  readonly elections: number;
  readonly moves: number;
  readonly acknowledgedRecords: number;
  readonly operations: number;
  readonly faults: ReadonlyMap<Fault, number>;
  /** From the death of a leader to the next commit of its group, in simulated milliseconds. */
  readonly failoverMs: readonly number[];
  /** Longest time for which a broker led while its disk did not answer. */
  readonly stalledLeadMs: number;
  /** Most refusals with which one follower answered one leader. */
  readonly refusalsMost: number;
}

export async function runSeed(options: RunOptions): Promise<RunReport> {
  const run = new Run(options);
  let failure: RunReport['failure'];
  try {
    await run.play();
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    failure = { message, stack, lastLines: run.world.trace.lastLines };
  }
  return run.report(failure);
}

class Run {
  readonly world: World;
  readonly #options: RunOptions;
  readonly #clients: Clients;
  readonly #faults: Faults;

  constructor(options: RunOptions) {
    this.#options = options;
    const { seed, plant, print } = options;
    const calm = options.calm === true;
    const settings = drawSettings(seed, calm);
    const world = new World({ seed, plant, print, ...settings });
    this.world = world;
    const { random } = world;
    const load = drawLoad(random, settings.partitions, calm);
    this.#clients = new Clients(load, world.port, random.fork(), world.ids, world.safety, (error) =>
      world.fail(error),
    );
    world.network.delayMs = random.pick([0.2, 0.5, 2, 10]);
    this.#faults = new Faults(world, options.plan ?? drawPlan(random, seed));
  }

  #trouble(): void {
    const { network, random } = this.world;
    network.duplicates = random.pick([0, 0, 0.2]);
    network.losses = random.pick([0, 0.05, 0.3]);
    network.deliversStale = random.chance(0.3);
  }

  async play(): Promise<void> {
    const { world } = this;
    await world.start();
    if (this.#options.calm !== true) this.#trouble();
    world.startWatch();
    this.#clients.start();
    this.#faults.start();
    await world.run(this.#options.fireMs ?? FIRE_MS);
    this.#faults.stop();
    this.#clients.stop();
    await this.#rest();
    await this.#settleCalls();
    await this.#write();
    await this.#rest();
    await this.#readBack();
    const anomalies = checkHistory(this.#clients.livingHistory).anomalies;
    holds(anomalies.length === 0, 'I1', 'the clients saw one log', { first: anomalies[0] });
  }

  /** Waits until every group is at rest (L1, I20), then compares its replicas (L2). */
  async #rest(): Promise<void> {
    let sinceEvents = 0;
    await this.world.run(REST_MS_MAX, () => {
      sinceEvents += 1;
      return sinceEvents % 50 === 0 && this.#unrest() === undefined;
    });
    const reason = this.#unrest();
    if (reason !== undefined) {
      const colon = reason.indexOf(':');
      throw new Violation(reason.slice(0, colon), reason.slice(colon + 2));
    }
    for (const group of this.#groups()) checkEqual(group, this.#membersOf(group));
  }

  #membersOf(group: number): readonly ReplicaView[] {
    return thoseAtRest(this.#replicasOf(group), this.#lost());
  }

  /** Brokers whose disk is lost. */
  #lost(): ReadonlySet<BrokerId> {
    const lost = this.world.machines.filter(({ lost: how }) => how !== undefined);
    return new Set(lost.map(({ id }) => id));
  }

  #unrest(): string | undefined {
    const { live, machines, newestBroker } = this.world;
    const missing = machines.filter(
      (machine) => takesPart(machine) && !live.some((one) => one.id === machine.id),
    );
    if (missing.length > 0) return `L1: ${missing.map(({ id }) => id).join()} did not come up`;
    const lost = this.#lost();
    for (const group of this.#groups()) {
      const reason =
        unrest(group, this.#replicasOf(group), lost) ??
        (newestBroker && unsettled(group, newestBroker.cluster.state, lost)) ??
        this.#astray(group);
      if (reason !== undefined) return reason;
    }
    const entered = [...(newestBroker?.cluster.state.brokers.keys() ?? [])].sort();
    const expected = machines.filter(({ gone }) => !gone).map(({ id }) => id);
    if (entered.join() !== expected.sort().join())
      return `L2: there are the brokers ${entered.join()} and the machines ${expected.join()}`;
    const { operator } = this.#faults;
    // What it does with other brokers may need one whose disk is lost, and that nobody replaces.
    if (operator.busy === 0 || lost.size > 0) return undefined;
    const statuses = [...(newestBroker?.cluster.state.brokers.values() ?? [])].map(
      ({ id, status }) => `${id} ${status}`,
    );
    return `L2: the operator has not ended its work with the brokers ${statuses.join()}`;
  }

  #astray(group: number): string | undefined {
    const { newestBroker, options } = this.world;
    if (newestBroker === undefined || options.leaderBalance === undefined) return undefined;
    return astray(group, this.#replicasOf(group), newestBroker.cluster.state);
  }

  /** Groups that are not deleted, as one broker knows them; group 0's own rest makes that the same for all. */
  #groups(): number[] {
    const broker = this.world.newestBroker;
    const state = broker?.cluster.state;
    if (state === undefined) return [];
    const all = Array.from({ length: state.nextGroup }, (_, group) => group);
    return all.filter((group) => !state.isDeleted(asGroupId(group)));
  }

  #replicasOf(group: number): ReplicaView[] {
    const replicas = this.world.observer.replicasOf(group);
    return replicas.filter(({ broker }) => takesPart(this.world.machine(broker)));
  }

  async #settleCalls(): Promise<void> {
    const { world } = this;
    await world.run(ANSWER_MS_MAX);
    // An operator that is at work on a broker whose disk is lost may have asked something just now.
    await world.run(ANSWER_MS_MAX, () => world.port.unanswered === 0);
    const { unanswered } = world.port;
    holds(unanswered === 0, 'I19', 'every call is answered', { unanswered });
  }

  /**
   * L3: each partition takes a new write, whichever of the brokers that take part is asked. One whose disk is lost
   * stays down: a client whose few attempts all go there says nothing of the partition.
   */
  async #write(): Promise<void> {
    const { partitions } = this.world.options;
    const brokers = this.world.ids.filter((id) => takesPart(this.world.machine(id)));
    const acknowledged: boolean[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      void this.#clients.send(FINAL_WRITER + partition, partition, brokers).then(
        (ok) => acknowledged.push(ok),
        (error: unknown) => this.world.fail(error),
      );
    }
    await this.world.run(ANSWER_MS_MAX, () => acknowledged.length === partitions);
    const ok = acknowledged.filter(Boolean).length;
    holds(ok === partitions, 'L3', 'every partition takes a write', { ok, partitions });
  }

  /** I1 at the end: every replica serves every acknowledged record. */
  async #readBack(): Promise<void> {
    const { world } = this;
    let pending = 0;
    const readers = world.live.filter(({ id }) => takesPart(world.machine(id)));
    for (let partition = 0; partition < world.options.partitions; partition++) {
      const members = this.#membersOf(world.groupOf(partition)).map(({ broker }) => broker);
      for (const { id } of readers) {
        const { replicas } = world.machine(id).process?.broker?.assignment(TOPIC, partition) ?? {};
        if (replicas?.includes(id) !== true || !members.includes(id)) continue;
        pending += 1;
        this.#readAll(id, partition).then(
          () => {
            pending -= 1;
          },
          (error: unknown) => world.fail(error),
        );
      }
    }
    await world.run(ANSWER_MS_MAX * 5, () => pending === 0);
    holds(pending === 0, 'L3', 'every replica can be read', { pending });
  }

  async #readAll(id: string, partition: number): Promise<void> {
    const found = new Map<number, number>();
    const process = FINAL_READER + this.world.ids.indexOf(id);
    let start = 0;
    for (;;) {
      try {
        const more = await this.#clients.readOn(process, partition, id, start + found.size);
        for (const [offset, value] of more) found.set(offset, value);
        if (more.length === 0) break;
      } catch (error) {
        // The first read may begin below what is left.
        const first = error instanceof BellwetherError ? this.#clients.startOf(partition, error) : undefined;
        if (first === undefined || first <= start) throw error;
        // Retention may take what was read already.
        start = first;
        found.clear();
      }
    }
    const { safety } = this.world;
    safety.checkFinal(partition, id, start, found);
    let committed: { offset: number | undefined } | undefined;
    // A connection that is reset late, when its link was mended, takes what was asked on it along: clients ask again.
    for (let asked = 0; committed === undefined && asked < OFFSET_QUESTIONS_MAX; asked += 1) {
      if (asked > 0)
        await new Promise<void>((resolve) => this.world.scheduler.after(ASK_AGAIN_MS, OUTSIDE, resolve));
      committed = await this.#clients.committedOffset(id, partition);
    }
    holds(committed !== undefined, 'L3', 'committed offsets can be read', { partition, broker: id });
    safety.checkFinalOffset(partition, id, committed.offset);
  }

  report(failure: RunReport['failure']): RunReport {
    const { world } = this;
    return {
      seed: this.#options.seed,
      failure,
      virtualMs: world.scheduler.nowMs,
      events: world.scheduler.events,
      messages: world.network.messages,
      elections: world.observer.elections.elections,
      moves: this.#clients.moves,
      acknowledgedRecords: world.safety.acknowledgedRecords,
      operations: this.#clients.history.length,
      faults: this.#faults.injected,
      failoverMs: world.observer.failovers.times,
      stalledLeadMs: world.watch.longestStalledLeadMs,
      refusalsMost: world.observer.probes.most,
    };
  }
}

function takesPart({ lost, gone }: Machine): boolean {
  return lost === undefined && !gone;
}
