/**
 * One run from one seed. The seed draws the cluster, the load and which faults are on and how hard. First
 * safety under fire; then the faults stop, and the cluster must come to rest and serve within a bound.
 */

import { checkHistory } from '../history/check.js';
import { unrest } from './checkers/liveness.js';
import { holds, Violation } from './checkers/violation.js';
import { Clients, TOPIC } from './clients.js';
import { type Fault, Faults, FAULTS, type FaultPlan } from './faults.js';
import type { Plant } from './world.js';
import { World } from './world.js';

/** How long it burns, in simulated time. */
const FIRE_MS = 20_000;
/** Within this time after the last fault there is one leader per group, and all replicas are equal. */
const REST_MS_MAX = 15_000;
/** Longest time in which every call of a client must have been answered. */
const ANSWER_MS_MAX = 6_000;
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
    const world = new World({ seed, plant, print, brokers: seed % 5 === 4 ? 5 : 3, partitions: 8 });
    this.world = world;
    const { random } = world;
    const load = {
      producers: 2 + random.below(5),
      consumers: 8,
      partitions: 8,
      pauseMs: random.pick([80, 160, 320]),
      failoverPauseMs: random.pick([Infinity, 300, 1_500]),
      paddingBytesMax: random.pick([0, 100, 1_000]),
    };
    this.#clients = new Clients(load, world.port, random.fork(), world.ids, world.safety, (error) =>
      world.fail(error),
    );
    world.network.delayMs = random.pick([0.2, 0.5, 2, 10]);
    world.network.duplicates = random.pick([0, 0, 0.2]);
    world.network.deliversStale = random.chance(0.15);
    this.#faults = new Faults(world, drawPlan(world));
  }

  async play(): Promise<void> {
    const { world } = this;
    await world.start();
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
    const anomalies = checkHistory(this.#clients.history).anomalies;
    holds(anomalies.length === 0, 'I1', 'the clients saw one log', { first: anomalies[0] });
  }

  async #rest(): Promise<void> {
    const why = (): string | undefined => {
      const { live, machines, observer, options } = this.world;
      const missing = machines.filter(
        (machine) => !machine.wiped && !live.some(({ id }) => id === machine.id),
      );
      if (missing.length > 0) return `L1: ${missing.map(({ id }) => id).join()} did not come up`;
      for (let group = 0; group <= options.partitions; group++) {
        const replicas = observer.replicasOf(group).filter(({ broker }) => !this.world.machine(broker).wiped);
        const reason = unrest(group, replicas);
        if (reason !== undefined) return reason;
      }
      return undefined;
    };
    let sinceEvents = 0;
    await this.world.run(REST_MS_MAX, () => {
      sinceEvents += 1;
      return sinceEvents % 50 === 0 && why() === undefined;
    });
    const reason = why();
    if (reason !== undefined) throw new Violation(reason.slice(0, 2), reason.slice(4));
  }

  async #settleCalls(): Promise<void> {
    await this.world.run(ANSWER_MS_MAX);
    const { unanswered } = this.world.port;
    holds(unanswered === 0, 'I19', 'every call is answered', { unanswered });
  }

  /** L3: each partition takes a new write. */
  async #write(): Promise<void> {
    const { partitions } = this.world.options;
    const acknowledged: boolean[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      void this.#clients.send(FINAL_WRITER + partition, partition).then(
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
    const readers = world.live.filter(({ id }) => !world.machine(id).wiped);
    for (const { id } of readers) {
      for (let partition = 0; partition < world.options.partitions; partition++) {
        if (world.machine(id).process?.broker?.assignment(TOPIC, partition).replicas.includes(id) !== true)
          continue;
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
    for (;;) {
      const more = await this.#clients.readOn(process, partition, id, found.size);
      for (const [offset, value] of more) found.set(offset, value);
      if (more.length === 0) break;
    }
    this.world.safety.checkFinal(partition, id, found);
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
    };
  }
}

/** Each fault is on in about a third of the runs: bugs hide where all are on at once (swarm testing). */
function drawPlan({ random }: World): FaultPlan {
  const share = random.pick([0, 0.15, 0.3, 0.6]);
  return {
    on: FAULTS.filter(() => random.chance(share)),
    pauseMs: random.pick([150, 500, 1_500]),
    lastsMs: random.pick([50, 300, 1_200]),
  };
}
