/** A simulated cluster: machines with their disks, processes that live and die on them, one network, one clock. */

import { createTopic } from '../broker/topics.js';
import type { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { ClientSafety } from './checkers/client-safety.js';
import { Observer } from './checkers/observer.js';
import { Violation } from './checkers/violation.js';
import { ClientPort } from './client-port.js';
import { TOPIC } from './clients.js';
import { type DiskLie, SimDisk } from './disk.js';
import { Network } from './network.js';
import { SimProcess } from './process.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { Trace } from './trace.js';

/** How long the cluster may take to come up, in simulated time. */
const START_MS_MAX = 10_000;

/** A defect put in from outside, to prove that the checkers find it. */
export type Plant = DiskLie | 'wipedDiskKeepsIncarnation';

export interface Machine {
  readonly id: BrokerId;
  disk: SimDisk;
  process: SimProcess | undefined;
  lives: number;
  clockAheadMs: number;
  /** Its broker may end by itself: its disk has failed on purpose, or is another one. */
  mayFail: boolean;
  /** Its disk is not the one that the cluster knows: it takes part no more. */
  wiped: boolean;
  incarnation: string | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  readonly brokers: number;
  readonly partitions: number;
  readonly plant?: Plant | undefined;
  readonly print?: ((line: string) => void) | undefined;
}

export class World {
  readonly random: Random;
  readonly scheduler = new Scheduler((owner) => {
    if (owner instanceof SimProcess) this.guard(() => this.observer.look(owner));
  });
  readonly trace: Trace;
  readonly network: Network;
  readonly port: ClientPort;
  readonly observer = new Observer((process, view) => {
    this.trace.line(() => `${process.id} g${String(view.group)} is ${view.role} in t${String(view.term)}`);
  });
  readonly safety = new ClientSafety(this.observer.committed, (partition) => this.groupOf(partition));
  readonly machines: readonly Machine[];
  readonly options: WorldOptions;
  /** What a checker found first. */
  violation: Error | undefined;
  readonly #groups: number[] = [];

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.trace = new Trace(() => this.scheduler.nowMs, options.print);
    this.network = new Network(
      this.scheduler,
      this.random.fork(),
      this.trace,
      (from, _to, group, message) => {
        const sender = this.machine(from.id).process;
        if (sender === from) this.guard(() => this.observer.sent(sender, group, message));
      },
    );
    this.port = new ClientPort(this.scheduler, this.random.fork(), (id) => this.machine(id).process);
    this.machines = Array.from({ length: options.brokers }, (_, i) => ({
      id: `n${String(i + 1)}`,
      disk: this.#newDisk(),
      process: undefined,
      lives: 0,
      clockAheadMs: this.random.between(1_000, 1_000_000),
      mayFail: false,
      wiped: false,
      incarnation: undefined,
    }));
  }

  get ids(): BrokerId[] {
    return this.machines.map(({ id }) => id);
  }

  machine(id: BrokerId): Machine {
    const machine = this.machines.find((each) => each.id === id);
    if (machine === undefined) throw new Error(`there is no ${id}`);
    return machine;
  }

  /** Processes that run, or are paused, and have a broker. */
  get live(): SimProcess[] {
    return this.machines
      .map(({ process }) => process)
      .filter(
        (process) =>
          process?.broker !== undefined && process.state !== 'dead' && process.failure === undefined,
      )
      .filter((process) => process !== undefined);
  }

  groupOf(partition: number): number {
    return this.#groups[partition] ?? -1;
  }

  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.violation !== undefined) return;
    this.violation = error instanceof Error ? error : new Error(String(error));
    this.trace.line(() => `VIOLATION ${error instanceof Error ? error.message : String(error)}`);
  }

  /** Lets time pass. Throws what a checker has found. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const endMs = this.scheduler.nowMs + ms;
    await this.scheduler.runUntil(endMs, () => this.violation !== undefined || isDone());
    if (this.violation !== undefined) throw this.violation;
  }

  /** A cluster in which all brokers are registered and the topic exists, before any fault. */
  async start(): Promise<void> {
    for (const machine of this.machines) this.boot(machine);
    await this.run(
      START_MS_MAX,
      () => this.live.length === this.machines.length && this.live.every((one) => this.#isRegistered(one)),
    );
    let made = false;
    const request = { topic: TOPIC, partitions: this.options.partitions, replicationFactor: undefined };
    this.port
      .call('n1', 5_000, (broker) => createTopic(broker, request, 5_000))
      .then(
        ({ partitions }) => {
          for (const { group } of partitions) this.#groups.push(group);
          made = true;
        },
        (error: unknown) => this.fail(error),
      );
    await this.run(START_MS_MAX, () => made);
    if (!made) throw new Violation('L1', 'a healthy cluster comes up');
    const { plant } = this.options;
    if (plant === undefined || plant === 'wipedDiskKeepsIncarnation') return;
    for (const { disk } of this.machines) disk.lie = plant;
  }

  #isRegistered({ broker }: SimProcess): boolean {
    const state = broker?.cluster.state;
    return (
      state !== undefined &&
      state.clusterId !== '' &&
      this.ids.every((id) => state.brokers.has(id) && broker?.isAlive(id))
    );
  }

  boot(machine: Machine): void {
    const { id, disk } = machine;
    machine.lives += 1;
    this.network.dark.delete(id);
    this.trace.line(() => `${id} starts, life ${String(machine.lives)}`);
    const random = this.random.fork();
    const process = new SimProcess({
      id,
      brokers: this.ids,
      life: machine.lives,
      disk,
      network: this.network,
      scheduler: this.scheduler,
      random,
      clockAheadMs: machine.clockAheadMs,
      newUuid: () => {
        const keeps = this.options.plant === 'wipedDiskKeepsIncarnation';
        const uuid = (keeps ? machine.incarnation : undefined) ?? random.uuid();
        machine.incarnation = uuid;
        return uuid;
      },
      onRecovered: (at, groups) => this.guard(() => this.observer.recovered(at, groups)),
      onFatal: (at, error) => this.#onFatal(machine, at, error),
    });
    machine.process = process;
    process.boot().catch((error: unknown) => this.fail(error));
  }

  #onFatal(machine: Machine, process: SimProcess, error: BellwetherError): void {
    this.trace.line(() => `${machine.id} has failed: ${error.reason} ${error.message}`);
    const ofDisk = error.reason === 'STORAGE_FAILED' || error.reason === 'DATA_DIRECTORY_UNUSABLE';
    const ofWipe = error.reason === 'CLUSTER_MISMATCH';
    const expected = (ofDisk && machine.mayFail) || (ofWipe && machine.wiped);
    if (!expected) {
      this.fail(
        new Violation('I23', 'a broker ends without cause', {
          broker: process.id,
          reason: error.reason,
          error: error.message,
        }),
      );
    }
  }

  /** Ends the process. @param machineToo The machine dies: what was not synced may be lost. */
  kill(machine: Machine, machineToo: boolean): void {
    const { process, id } = machine;
    this.trace.line(() => `${id} is ${machineToo ? 'crashed' : 'killed'}`);
    if (machineToo) this.network.dark.add(id);
    if (process !== undefined && process.state !== 'dead') {
      this.guard(() => this.observer.died(process));
      machine.clockAheadMs = process.clockAheadMs;
      process.kill();
    }
    machine.process = undefined;
    if (machineToo) machine.disk.crash();
  }

  /** Gives the machine an empty disk. Its process must be dead. */
  wipe(machine: Machine): void {
    this.trace.line(() => `${machine.id} loses its disk`);
    machine.disk = this.#newDisk();
    machine.wiped = true;
    this.observer.wiped(machine.id);
  }

  #newDisk(): SimDisk {
    return new SimDisk(this.scheduler, this.random.fork());
  }
}
