/**
 * An operator of the simulated cluster: moves replicas, deletes records, alters how many are kept, and adds, removes and replaces brokers.
 * What it begins with a broker it ends, whatever fails meanwhile.
 */

import {
  addBroker,
  cancelReassignment,
  deleteRecords,
  reassignPartition,
  removeBroker,
  replaceBroker,
} from '../broker/administration.js';
import type { Broker } from '../broker/broker.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import type { BrokerRegistration } from '../cluster/cluster-types.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { TOPIC } from './producers.js';
import type { Random } from './random.js';
import { alterRetention } from './retention-chore.js';
import type { Machine } from './machine.js';
import type { World } from './world.js';

/** What an operator may do in a run. */
export const CHORES = [
  'reassign',
  'cancelReassign',
  'deleteRecords',
  'alterRetention',
  'replaceBroker',
  'addBroker',
  'removeBroker',
] as const;

export type Chore = (typeof CHORES)[number];

/** Brokers at a time, with those on their way; below what a cluster may have (cluster-brokers.ts). */
const BROKERS_MAX = 6;
const REPLICAS_MAX = 5;
const TIMEOUT_MS = 2_000;
/** Pause before the operator looks again, or tries again. */
const PAUSE_MS = 150;
const ATTEMPTS_MAX = 4;

export class Operator {
  readonly #world: World;
  readonly #random: Random;
  /** Fewest replicas that a partition is given: no disk of a run may be the only one. */
  readonly #replicasMin: number;
  /** Chores with brokers that are under way. */
  #busy = 0;

  constructor(world: World, replicasMin: number) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#replicasMin = replicasMin;
  }

  get busy(): number {
    return this.#busy;
  }

  /** False when there is nothing to do. */
  begin(chore: Chore): boolean {
    switch (chore) {
      case 'reassign':
        return this.#reassign();
      case 'cancelReassign':
        return this.#cancel();
      case 'deleteRecords':
        return this.#delete();
      case 'alterRetention':
        this.#note('alter retention');
        this.#background(alterRetention(this.#world, this.#random));
        return true;
      case 'addBroker':
        return this.#add();
      case 'removeBroker':
        return this.#remove();
      case 'replaceBroker':
        return this.#replace();
    }
  }

  #reassign(): boolean {
    const brokers = this.#members().map(({ id }) => id);
    const most = Math.min(REPLICAS_MAX, brokers.length);
    if (most < this.#replicasMin) return false;
    const count = this.#random.between(this.#replicasMin, most + 1);
    const replicas: BrokerId[] = [];
    while (replicas.length < Math.floor(count)) {
      replicas.push(this.#random.pick(brokers.filter((id) => !replicas.includes(id))));
    }
    const partition = this.#random.below(this.#world.options.partitions);
    this.#note(`reassign ${String(partition)} to ${replicas.join()}`);
    this.#background(
      this.#ask((broker) => reassignPartition(broker, { topic: TOPIC, partition, replicas }, TIMEOUT_MS)),
    );
    return true;
  }

  #cancel(): boolean {
    const moving = [...this.#state().byGroup.values()].filter(({ target }) => target !== undefined);
    if (moving.length === 0) return false;
    const { topic, partition } = this.#random.pick(moving);
    this.#note(`cancel ${topic}/${String(partition)}`);
    this.#background(this.#ask((broker) => cancelReassignment(broker, topic, partition, TIMEOUT_MS)));
    return true;
  }

  #delete(): boolean {
    const partition = this.#random.below(this.#world.options.partitions);
    const before = this.#random.below(this.#world.safety.knownEnd(partition).end + 1);
    this.#note(`delete ${String(partition)} below ${String(before)}`);
    this.#background(this.#deleteBelow(partition, before));
    return true;
  }

  async #deleteBelow(partition: number, before: number): Promise<void> {
    const { safety, port } = this.#world;
    let via = this.#random.pick(this.#world.ids);
    safety.deletion(partition, before, false);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        await port.call(via, TIMEOUT_MS, (broker) =>
          deleteRecords(broker, { topic: TOPIC, partition, before }, TIMEOUT_MS),
        );
        safety.deletion(partition, before, true);
        return;
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        via = error.leaderHint?.leader ?? this.#random.pick(this.#world.ids);
      }
    }
  }

  #add(): boolean {
    if (this.#world.ids.length >= BROKERS_MAX) return false;
    const machine = this.#world.addMachine();
    this.#note(`add ${machine.id}`);
    if (this.#random.chance(0.3)) this.#world.boot(machine);
    this.#chore(this.#admit(machine));
    return true;
  }

  async #admit(machine: Machine): Promise<void> {
    const { id } = machine;
    for (;;) {
      const refusal = await this.#ask((broker) => addBroker(broker, id, `${id}:2`, TIMEOUT_MS));
      if (refusal === undefined || refusal === 'BROKER_ALREADY_EXISTS') break;
      await this.#pause();
    }
    await this.#joined(machine);
    machine.joining = false;
  }

  /** Has the machine's broker run until it is registered with its present disk. */
  async #joined(machine: Machine): Promise<void> {
    for (;;) {
      const known = this.#registration(machine.id);
      const { incarnation, process } = machine;
      const isDown = process === undefined || process.failure !== undefined;
      const isKnown = known?.status === 'ACTIVE' && known.incarnation === incarnation;
      if (isKnown && !isDown) return;
      if (isDown && (isKnown || known?.status === 'JOINING')) {
        this.#world.kill(machine, false);
        this.#world.boot(machine);
      }
      await this.#pause();
    }
  }

  /** One at a time, and never one of the last that the replicas need. */
  #remove(): boolean {
    const members = this.#members();
    const few = members.length <= Math.max(3, this.#replicasMin);
    if (few || this.#world.machines.some(({ leaving }) => leaving)) return false;
    const machine = this.#random.pick(members);
    this.#note(`remove ${machine.id}`);
    machine.leaving = true;
    this.#chore(this.#letGo(machine));
    return true;
  }

  async #letGo(machine: Machine): Promise<void> {
    const { id } = machine;
    let mayYetBeDone = false;
    while (this.#registration(id) !== undefined) {
      const others = this.#world.ids.filter((other) => other !== id);
      const refusal = await this.#ask((broker) => removeBroker(broker, id, TIMEOUT_MS), others);
      if (refusal === 'BROKER_CHANGE_REFUSED') {
        // The broker that was asked may be behind: this one may be on its way out, or gone, by an earlier request.
        const status = this.#registration(id)?.status;
        if (status !== undefined && status !== 'REMOVING') {
          if (mayYetBeDone) this.#background(this.#retireOnceGone(machine));
          else machine.leaving = false;
          return;
        }
        await this.#makeRoom(id);
      } else if (refusal !== undefined) mayYetBeDone = true;
      await this.#pause();
    }
    this.#world.retire(machine, this.#random.chance(0.5));
  }

  /** What was asked without an answer may be done after a later request was refused. */
  async #retireOnceGone(machine: Machine): Promise<void> {
    while (this.#registration(machine.id) !== undefined) await this.#pause();
    this.#world.retire(machine, this.#random.chance(0.5));
  }

  /**
   * A partition that was given all brokers while one of them was about to leave is given fewer. Not fewer than
   * the run needs: with two replicas the next disk that is lost would be one of a quorum.
   */
  async #makeRoom(id: BrokerId): Promise<void> {
    for (const { topic, partition, target, replicas } of this.#state().byGroup.values()) {
      const rest = (target ?? replicas).filter((each) => each !== id);
      if (rest.length === (target ?? replicas).length || rest.length < this.#replicasMin) continue;
      const move = { topic, partition, replicas: rest };
      await this.#ask((broker) => reassignPartition(broker, move, TIMEOUT_MS));
    }
  }

  /** A machine loses its disk for good, or the one that has lost it already is given another. */
  #replace(): boolean {
    const lost = this.#world.machines.find((each) => each.lost !== undefined);
    const machine = lost ?? this.#random.pick(this.#world.machines);
    if (machine.replacing || machine.leaving || machine.joining) return false;
    if (lost === undefined && !this.#world.canLoseDisk(machine)) return false;
    this.#note(`replace ${machine.id}`);
    this.#world.kill(machine, true);
    this.#world.wipe(machine);
    machine.replacing = true;
    machine.joins = true;
    this.#chore(this.#renew(machine));
    return true;
  }

  async #renew(machine: Machine): Promise<void> {
    const { id } = machine;
    const lost = this.#registration(id)?.incarnation;
    for (;;) {
      const others = this.#world.ids.filter((other) => other !== id);
      const refusal = await this.#ask((broker) => replaceBroker(broker, id, TIMEOUT_MS), others);
      // It may have been done without an answer, and be refused since, as the new disk takes part.
      const known = this.#registration(id);
      if (refusal === undefined || known?.status !== 'ACTIVE' || known.incarnation !== lost) break;
      await this.#pause();
    }
    // Now and then somebody starts it too early, and it is refused.
    if (this.#random.chance(0.3) && machine.process === undefined) this.#world.boot(machine);
    await this.#joined(machine);
    machine.lost = undefined;
    machine.replacing = false;
  }

  /** Machines that take part, and may be given replicas. */
  #members(): Machine[] {
    const state = this.#state();
    return this.#world.machines.filter(
      ({ id, lost, leaving, gone, joining, replacing }) =>
        lost === undefined &&
        ![leaving, gone, joining, replacing].includes(true) &&
        state.brokers.get(id)?.status === 'ACTIVE',
    );
  }

  /** What is committed, whichever brokers are there to tell of it. */
  #state(): ClusterState {
    return this.#world.observer.machines.cluster;
  }

  #registration(id: BrokerId): BrokerRegistration | undefined {
    return this.#state().brokers.get(id);
  }

  /** Undefined when it was done; else why not. */
  async #ask(
    act: (broker: Broker) => Promise<void>,
    brokers: readonly BrokerId[] = this.#world.ids,
  ): Promise<string | undefined> {
    try {
      await this.#world.port.call(this.#random.pick(brokers), TIMEOUT_MS, act);
      return undefined;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      const { reason, message } = error;
      this.#note(`refused: ${reason} ${message}`);
      return reason;
    }
  }

  #pause(): Promise<void> {
    return this.#world.port.sleep(PAUSE_MS);
  }

  #chore(work: Promise<void>): void {
    this.#busy += 1;
    this.#background(
      work.then(() => {
        this.#busy -= 1;
      }),
    );
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#world.fail(error));
  }

  #note(text: string): void {
    this.#world.trace.line(() => `CHORE ${text}`);
  }
}
