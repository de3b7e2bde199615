/** Breaks things: each fault is begun at random times, lasts a while and is counted. */

import type { BrokerId } from '../raft/types.js';
import { damage } from './damage.js';
import { depart } from './departure.js';
import { CHORES, Operator } from './operator.js';
import type { Random } from './random.js';
import { OUTSIDE } from './scheduler.js';
import type { Machine } from './machine.js';
import type { World } from './world.js';

/** Kinds of faults that a run may have on. */
export const FAULTS = [
  'kill',
  'depart',
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
  'rot',
  'fullDisk',
  'clockDrift',
  'briefPause',
  ...CHORES,
] as const;

/** Shorter than what makes anybody suspect a broker; as a garbage collection may take. */
const BRIEF_MS_MAX = 150;

/** Faults that cost a broker its disk: every partition then keeps so many replicas that none is lost. */
const LOSES_DISK: readonly string[] = ['wipe', 'rot', 'replaceBroker'];
const REPLICAS_MIN_WITH_LOSS = 3;

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
  readonly operator: Operator;
  #stopped = false;

  constructor(world: World, plan: FaultPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork();
    const losesDisks = plan.on.some((fault) => LOSES_DISK.includes(fault));
    this.operator = new Operator(world, losesDisks ? REPLICAS_MIN_WITH_LOSS : 1);
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
    network.losses = 0;
    network.deliversStale = false;
    for (const machine of machines) {
      machine.disk.recover();
      machine.process?.resume();
      machine.process?.drift(1);
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
      case 'depart':
        return this.#depart(this.#random.pick(this.#world.machines));
      case 'crashAll':
        return this.#world.machines.map((machine) => this.#kill(machine, true)).some(Boolean);
      case 'pause':
        return this.#pause(this.#random.exponential(this.#plan.lastsMs));
      case 'briefPause':
        return this.#pause(this.#random.between(0, BRIEF_MS_MAX));
      case 'clockJump':
        return this.#jumpClock();
      case 'clockDrift':
        return this.#drift();
      case 'wipe':
        return this.#wipe();
      case 'rot':
        return this.#rot();
      case 'reassign':
      case 'cancelReassign':
      case 'deleteRecords':
      case 'alterRetention':
      case 'replaceBroker':
      case 'addBroker':
      case 'removeBroker':
        return this.operator.begin(fault);
      case 'slowDisk':
      case 'stalledDisk':
      case 'syncError':
      case 'writeError':
      case 'fullDisk':
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

  /** As in a rolling restart. What has begun ends by itself, also once the faults have stopped. */
  #depart(machine: Machine): boolean {
    return depart(this.#world, machine, () => {
      if (this.#stopped) this.#reboot(machine);
      else this.#lasting(() => this.#reboot(machine));
    });
  }

  /** Starts a broker that is down or has failed; one whose disk was lost stays failed. */
  #reboot(machine: Machine): void {
    const { process, lost, gone, joining } = machine;
    // Whoever adds a machine starts it for the first time.
    if (gone || (joining && machine.lives === 0)) return;
    if (process !== undefined) {
      if (process.failure === undefined || lost !== undefined) return;
      this.#world.kill(machine, this.#random.chance(0.5));
    }
    this.#world.boot(machine);
  }

  #pause(ms: number): boolean {
    const { process, id } = this.#random.pick(this.#world.machines);
    if (process?.state !== 'running') return false;
    this.#note(`${id} is paused`);
    process.pause();
    this.#later(ms, () => {
      this.#note(`${id} goes on`);
      this.#world.resume(process);
    });
    return true;
  }

  /** One at a time: a partition on three brokers can lose no more. */
  #wipe(): boolean {
    const machine = this.#random.pick(this.#world.machines);
    if (!this.#world.canLoseDisk(machine)) return false;
    this.#world.kill(machine, true);
    this.#world.wipe(machine);
    this.#lasting(() => this.#reboot(machine));
    return true;
  }

  /** Damage at rest; a machine with damage that cannot be mended counts as lost. */
  #rot(): boolean {
    const machine = this.#random.pick(this.#world.machines);
    if (!this.#world.canLoseDisk(machine)) return false;
    this.#world.kill(machine, true);
    const done = damage(machine.disk, this.#random);
    this.#note(`damage at ${machine.id}: ${done?.what ?? 'none'}`);
    if (done?.isFatal === true) this.#world.damaged(machine);
    this.#lasting(() => this.#reboot(machine));
    return done !== undefined;
  }

  #jumpClock(): boolean {
    const { process } = this.#random.pick(this.#world.machines);
    this.#note('clock jump');
    if (process === undefined) return true;
    process.jumpClock(this.#random.exponential(2_000), this.#random.between(-1e6, 1e6));
    this.#world.safety.clockIsAhead(process.wallAheadMs);
    return true;
  }

  #drift(): boolean {
    const { process, id } = this.#random.pick(this.#world.machines);
    if (process === undefined) return false;
    const rate = this.#random.pick([0.8, 0.95, 1.05, 1.25]);
    this.#note(`the clock of ${id} runs at ${String(rate)}`);
    process.drift(rate);
    this.#lasting(() => process.drift(1));
    return true;
  }

  #spoilDisk(fault: 'slowDisk' | 'stalledDisk' | 'syncError' | 'writeError' | 'fullDisk'): boolean {
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
    if (fault === 'fullDisk') manners.fullUntilMs = Infinity;
    else if (fault === 'syncError') manners.failSync = 'EIO';
    else manners.failWrite = this.#random.pick(['EIO', 'ENOSPC']);
    this.#lasting(() => {
      manners.failSync = undefined;
      manners.failWrite = undefined;
      manners.fullUntilMs = 0;
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
    const mends: (() => void)[] = [];
    switch (fault) {
      case 'reset':
        network.reset(from, to);
        return true;
      case 'stuckLink':
        network.stick(from, to, scheduler.nowMs + this.#random.exponential(this.#plan.lastsMs));
        return true;
      case 'refusal':
        mends.push(network.refuse(from, to));
        network.reset(from, to);
        break;
      case 'slowLink':
        mends.push(network.slow(from, to, this.#random.pick([10, 50, 200])));
        break;
      case 'oneWayCut':
        mends.push(network.cut(from, to));
        break;
      case 'partition':
        for (const other of ids) if (other !== from) mends.push(...this.#cutBoth(from, other));
        break;
      case 'bridge':
        // All but one pair still hear each other.
        mends.push(...this.#cutBoth(from, to));
        break;
    }
    this.#mendOneByOne(mends);
    return true;
  }

  /** Links come back in any order, each by itself. */
  #mendOneByOne(mends: readonly (() => void)[]): void {
    for (const mend of mends) {
      this.#lasting(() => {
        this.#note('a link is mended');
        mend();
      });
    }
  }

  #cutBoth(a: BrokerId, b: BrokerId): (() => void)[] {
    const { network } = this.#world;
    return [network.cut(a, b), network.cut(b, a)];
  }
}
