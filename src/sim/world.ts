/** A simulated cluster: machines with their disks, processes that live and die on them, one network, one clock. */

import type { LeaderBalance } from '../broker/balancer.js';
import { createTopic } from '../broker/topics.js';
import { UNLIMITED } from '../cluster/topic-config.js';
import type { Broker } from '../broker/broker.js';
import type { SnapshotSpacing } from '../cluster/cluster-log.js';
import type { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { ClientSafety } from './checkers/client-safety.js';
import { Observer } from './checkers/observer.js';
import { holds, Violation } from './checkers/violation.js';
import { Watch, WATCH_MS } from './checkers/watch.js';
import { ClientPort } from './client-port.js';
import { TOPIC } from './producers.js';
import { SimDisk } from './disk.js';
import { canLoseDisk, type Machine, newMachine } from './machine.js';
import { Network } from './network.js';
import type { Plant } from './plants/plant.js';
import { SimProcess } from './process.js';
import { Random } from './random.js';
import { OUTSIDE, Scheduler } from './scheduler.js';
import { Trace } from './trace.js';

/** How long the cluster may take to come up, in simulated time. */
const START_MS_MAX = 10_000;

export interface WorldOptions {
  readonly seed: number;
  readonly brokers: number;
  readonly partitions: number;
  readonly snapshotSpacing?: SnapshotSpacing | undefined;
  readonly leaderBalance?: LeaderBalance | undefined;
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
  readonly observer = new Observer(
    () => this.scheduler.nowMs,
    () => this.founders,
    (process, view) => {
      this.trace.line(() => `${process.id} g${String(view.group)} is ${view.role} in t${String(view.term)}`);
    },
  );
  readonly safety = new ClientSafety(
    this.observer.committed,
    (partition) => this.groupOf(partition),
    () => this.scheduler.nowMs,
  );
  readonly watch: Watch;
  readonly machines: Machine[];
  /** Names of the machines that are not gone. */
  readonly ids: BrokerId[] = [];
  /** Those that the cluster was begun with. */
  readonly founders: readonly BrokerId[];
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
    this.watch = new Watch(this.observer, this.network);
    this.port = new ClientPort(this.scheduler, this.random.fork(), (id) => this.machine(id).process);
    this.machines = [];
    for (let i = 0; i < options.brokers; i++) this.#newMachine(false);
    this.founders = [...this.ids];
  }

  #newMachine(joins: boolean): Machine {
    const id = `n${String(this.machines.length + 1)}`;
    const disk = this.#newDisk();
    const machine = newMachine(id, disk, this.random.between(1_000, 1_000_000), joins);
    this.machines.push(machine);
    this.ids.push(machine.id);
    return machine;
  }

  /** A new machine, off, whose broker is to join. */
  addMachine(): Machine {
    return this.#newMachine(true);
  }

  /** The machine's broker was removed from the cluster. @param stays It runs on, and must not matter. */
  retire(machine: Machine, stays: boolean): void {
    machine.gone = true;
    machine.leaving = false;
    this.ids.splice(this.ids.indexOf(machine.id), 1);
    if (!stays) this.kill(machine, false);
  }

  /** The broker that knows most of the cluster metadata. */
  get newestBroker(): Broker | undefined {
    return this.live
      .filter(({ id }) => !this.machine(id).gone)
      .map(({ broker }) => broker)
      .filter((broker) => broker !== undefined)
      .sort((a, b) => b.cluster.appliedIndex - a.cluster.appliedIndex)[0];
  }

  canLoseDisk(machine: Machine): boolean {
    const state = this.newestBroker?.cluster.state;
    return state !== undefined && canLoseDisk(machine, this.machines, state);
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

  /** From now on things that last are looked at every now and then. */
  startWatch(): void {
    this.scheduler.after(WATCH_MS, OUTSIDE, () => {
      this.guard(() => {
        this.watch.look(this.live);
        this.port.checkAnswers();
      });
      this.startWatch();
    });
  }

  /** A cluster in which all brokers are registered and the topic exists, before any fault. */
  async start(): Promise<void> {
    for (const machine of this.machines) this.boot(machine);
    await this.run(
      START_MS_MAX,
      () => this.live.length === this.machines.length && this.live.every((one) => this.#isRegistered(one)),
    );
    holds(
      this.live.every((one) => this.#isRegistered(one)),
      'L1',
      'a healthy cluster comes up',
    );
    let made = false;
    // Records are deleted when the plan says so, and the checkers know of it: not by the default of seven days.
    const config = { retention_ms: UNLIMITED };
    const { partitions } = this.options;
    const request = { topic: TOPIC, partitions, replicationFactor: undefined, config };
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
    for (const { disk } of this.machines) disk.lie = this.options.plant?.diskLie;
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
    const { failSync, failWrite, fullUntilMs } = disk.manners;
    machine.mayFail = failSync !== undefined || failWrite !== undefined || fullUntilMs > 0;
    machine.lives += 1;
    this.network.light(id);
    this.network.improved(...this.ids);
    this.trace.line(() => `${id} starts, life ${String(machine.lives)}`);
    const random = this.random.fork();
    const process = new SimProcess({
      id,
      brokers: this.ids,
      bootstrap: machine.joins ? [] : this.founders,
      snapshotSpacing: this.options.snapshotSpacing,
      leaderBalance: this.options.leaderBalance,
      life: machine.lives,
      disk,
      network: this.network,
      scheduler: this.scheduler,
      random,
      clockAheadMs: machine.clockAheadMs,
      newUuid: () => {
        const keeps = this.options.plant?.keepsIncarnation;
        const uuid = (keeps === true ? machine.incarnation : undefined) ?? random.uuid();
        machine.incarnation = uuid;
        return uuid;
      },
      plant: this.options.plant,
      onRecovered: (at, groups) =>
        this.guard(() => {
          holds(machine.lost !== 'damaged', 'I23', 'a damaged disk is refused', { broker: id });
          this.observer.recovered(at, groups);
        }),
      onFatal: (at, error) => this.#onFatal(machine, at, error),
    });
    machine.process = process;
    process.boot().catch((error: unknown) => this.fail(error));
  }

  #onFatal(machine: Machine, process: SimProcess, error: BellwetherError): void {
    this.trace.line(() => `${machine.id} has failed: ${error.reason} ${error.message}`);
    const ofDisk = error.reason === 'STORAGE_FAILED' || error.reason === 'DATA_DIRECTORY_UNUSABLE';
    const ofDamage = error.reason === 'STORAGE_CORRUPT' || error.reason.startsWith('DATA_DIRECTORY_');
    const expected =
      (ofDisk && machine.mayFail) ||
      (error.reason === 'CLUSTER_MISMATCH' &&
        (machine.lost === 'wiped' || machine.gone || machine.joining || machine.leaving)) ||
      (ofDamage && machine.lost === 'damaged');
    if (!expected) {
      this.fail(
        new Violation(
          /\((?<number>I\d+)\)/.exec(error.message)?.groups?.['number'] ?? 'I23',
          'a broker ends without cause',
          {
            broker: process.id,
            reason: error.reason,
            error: error.message,
          },
        ),
      );
    }
  }

  /** Ends the process. @param machineToo The machine dies: what was not synced may be lost. */
  kill(machine: Machine, machineToo: boolean): void {
    const { process, id } = machine;
    this.trace.line(() => `${id} is ${machineToo ? 'crashed' : 'killed'}`);
    if (machineToo) this.network.darken(id);
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
    machine.lost = 'wiped';
    this.observer.lost(machine.id);
  }

  /** What is on the disk of the machine is not what was written. Its process must be dead. */
  damaged(machine: Machine): void {
    machine.lost = 'damaged';
    this.observer.lost(machine.id);
  }

  resume(process: SimProcess): void {
    process.resume();
    this.network.improved(...this.ids);
  }

  #newDisk(): SimDisk {
    return new SimDisk(this.scheduler, this.random.fork());
  }
}
