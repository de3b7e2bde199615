/** Breaks things: each fault is begun at random times, lasts a while and is counted. */

import type { BrokerId } from '../raft/types.js';
import type { Random } from './random.js';
import { OUTSIDE } from './scheduler.js';
import type { Machine, World } from './world.js';

/** Kinds of faults that a run may have on. */
export const FAULTS = [
  'kill',
  'crash',
  'crashAll',
  'pause',
  'clockJump',
  'reset',
  'refusal',
  'stuckLink',
  'slowLink',
  'partition',
  'oneWayCut',
  'bridge',
  'slowDisk',
  'stalledDisk',
  'syncError',
  'writeError',
  'wipe',
] as const;

export type Fault = (typeof FAULTS)[number];

export interface FaultPlan {
  readonly on: readonly Fault[];
  /** Mean pause between two faults. */
  readonly pauseMs: number;
  /** Mean duration of what lasts. */
  readonly lastsMs: number;
}

export class Faults {
  readonly injected = new Map<Fault, number>();
  readonly #world: World;
  readonly #plan: FaultPlan;
  readonly #random: Random;
  #stopped = false;

  constructor(world: World, plan: FaultPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork();
  }

  start(): void {
    if (this.#plan.on.length === 0) return;
    this.#next();
  }

  /** Ends all faults for good: links heal, disks behave, and every broker that can runs. */
  stop(): void {
    this.#stopped = true;
    const { network, machines } = this.#world;
    network.heal();
    network.duplicates = 0;
    network.deliversStale = false;
    for (const machine of machines) {
      const { manners } = machine.disk;
      Object.assign(manners, { syncMs: 0.5, stalledUntilMs: 0, failSync: undefined, failWrite: undefined });
      machine.process?.resume();
      this.#reboot(machine);
    }
    network.heal();
  }

  #next(): void {
    this.#later(this.#random.exponential(this.#plan.pauseMs), () => {
      const fault = this.#random.pick(this.#plan.on);
      if (this.#inject(fault)) this.injected.set(fault, (this.injected.get(fault) ?? 0) + 1);
      this.#next();
    });
  }

  #later(ms: number, run: () => void): void {
    this.#world.scheduler.after(ms, OUTSIDE, () => {
      if (!this.#stopped) run();
    });
  }

  #lasting(end: () => void): void {
    this.#later(this.#random.exponential(this.#plan.lastsMs), end);
  }

  #note(text: string): void {
    this.#world.trace.line(() => `FAULT ${text}`);
  }

  /** False when there is nothing to break. */
  #inject(fault: Fault): boolean {
    switch (fault) {
      case 'kill':
      case 'crash':
        return this.#kill(this.#random.pick(this.#world.machines), fault === 'crash');
      case 'crashAll':
        return this.#world.machines.map((machine) => this.#kill(machine, true)).some(Boolean);
      case 'pause':
        return this.#pause();
      case 'clockJump':
        this.#note('clock jump');
        this.#random
          .pick(this.#world.machines)
          .process?.jumpClock(this.#random.exponential(2_000), this.#random.between(-1e6, 1e6));
        return true;
      case 'wipe':
        return this.#wipe();
      case 'slowDisk':
      case 'stalledDisk':
      case 'syncError':
      case 'writeError':
        return this.#spoilDisk(fault);
      default:
        return this.#spoilNetwork(fault);
    }
  }

  #kill(machine: Machine, machineToo: boolean): boolean {
    if (machine.process === undefined) return false;
    this.#world.kill(machine, machineToo);
    this.#lasting(() => this.#reboot(machine));
    return true;
  }

  /** Starts a broker that is down or has failed; one whose disk was lost stays failed. */
  #reboot(machine: Machine): void {
    const { process, wiped } = machine;
    if (process !== undefined) {
      if (process.failure === undefined || wiped) return;
      this.#world.kill(machine, this.#random.chance(0.5));
    }
    const { failSync, failWrite } = machine.disk.manners;
    machine.mayFail = failSync !== undefined || failWrite !== undefined;
    this.#world.boot(machine);
  }

  #pause(): boolean {
    const { process, id } = this.#random.pick(this.#world.machines);
    if (process?.state !== 'running') return false;
    this.#note(`${id} is paused`);
    process.pause();
    this.#lasting(() => {
      this.#note(`${id} goes on`);
      process.resume();
    });
    return true;
  }

  /** One in a run: a partition on three brokers can lose no more. */
  #wipe(): boolean {
    const { machines } = this.#world;
    const machine = this.#random.pick(machines);
    if (machines.some(({ wiped }) => wiped)) return false;
    this.#world.kill(machine, true);
    this.#world.wipe(machine);
    this.#lasting(() => this.#reboot(machine));
    return true;
  }

  #spoilDisk(fault: 'slowDisk' | 'stalledDisk' | 'syncError' | 'writeError'): boolean {
    const machine = this.#random.pick(this.#world.machines);
    const { manners } = machine.disk;
    this.#note(`${fault} at ${machine.id}`);
    if (fault === 'slowDisk') {
      manners.syncMs = this.#random.pick([5, 20, 80]);
      this.#lasting(() => {
        manners.syncMs = 0.5;
      });
      return true;
    }
    if (fault === 'stalledDisk') {
      manners.stalledUntilMs = this.#world.scheduler.nowMs + this.#random.exponential(this.#plan.lastsMs);
      return true;
    }
    machine.mayFail = true;
    if (fault === 'syncError') manners.failSync = 'EIO';
    else manners.failWrite = this.#random.pick(['EIO', 'ENOSPC']);
    this.#lasting(() => {
      manners.failSync = undefined;
      manners.failWrite = undefined;
      if (machine.process?.failure !== undefined) this.#reboot(machine);
    });
    return true;
  }

  #spoilNetwork(
    fault: 'reset' | 'refusal' | 'stuckLink' | 'slowLink' | 'partition' | 'oneWayCut' | 'bridge',
  ): boolean {
    const { network, ids, scheduler } = this.#world;
    const from = this.#random.pick(ids);
    const to = this.#random.pick(ids.filter((id) => id !== from));
    this.#note(`${fault} ${from} ${to}`);
    switch (fault) {
      case 'reset':
        network.reset(from, to);
        return true;
      case 'stuckLink':
        network.stick(from, to, scheduler.nowMs + this.#random.exponential(this.#plan.lastsMs));
        return true;
      case 'refusal':
        network.refuse(from, to);
        network.reset(from, to);
        break;
      case 'slowLink':
        network.slow(from, to, this.#random.pick([10, 50, 200]));
        break;
      case 'oneWayCut':
        network.cut(from, to);
        break;
      case 'partition':
        for (const other of ids) if (other !== from) this.#cutBoth(from, other);
        break;
      case 'bridge':
        // All but one pair still hear each other.
        this.#cutBoth(from, to);
        break;
    }
    this.#lasting(() => {
      this.#note('links heal');
      network.heal();
    });
    return true;
  }

  #cutBoth(a: BrokerId, b: BrokerId): void {
    this.#world.network.cut(a, b);
    this.#world.network.cut(b, a);
  }
}
