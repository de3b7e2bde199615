/** What the seed of a run draws: the cluster, its load, and which faults are on and how hard. */

import type { ClientOptions } from './clients.js';
import { FAULTS, type FaultPlan } from './faults.js';
import type { Random } from './random.js';
import type { WorldOptions } from './world.js';

const PARTITIONS = 8;
/** In one of eight runs: elections in bulk, and many groups on one journal. */
const PARTITIONS_MANY = 60;

/** How often group 0 takes a snapshot: undefined as in production. */
const SPACINGS = [
  { keptEntries: 2, intervalEntries: 8, intervalBytes: 1_000_000 },
  { keptEntries: 16, intervalEntries: 64, intervalBytes: 1_000 },
  { keptEntries: 0, intervalEntries: 1, intervalBytes: 1_000_000 },
  undefined,
];

/**
 * Leaders go back to the preferred brokers while it burns too: a move that is cut off is a fault like others.
 * Undefined as in production, where nothing goes back before a minute is over.
 */
const BALANCES = [{ on: true, coolDownMs: 1_000 }, { on: true, coolDownMs: 200 }, undefined];

/** The runs in which brokers are told to stop, and do so in order: two of seven, beside what else is on. */
const DEPARTURES = { of: 7, remainders: [3, 6] };

/** @param calm Nobody moves leaders. */
export function drawSettings(seed: number, calm: boolean): Omit<WorldOptions, 'seed' | 'plant' | 'print'> {
  return {
    brokers: seed % 5 === 4 ? 5 : 3,
    partitions: seed % 8 === 7 ? PARTITIONS_MANY : PARTITIONS,
    snapshotSpacing: SPACINGS[seed % SPACINGS.length],
    leaderBalance: calm ? undefined : BALANCES[seed % BALANCES.length],
  };
}

/** @param calm Nobody moves leaders, or makes and deletes topics. */
export function drawLoad(random: Random, partitions: number, calm: boolean): ClientOptions {
  return {
    producers: 2 + random.below(5),
    consumers: 8,
    partitions,
    pauseMs: random.pick([80, 160, 320]),
    failoverPauseMs: calm ? Infinity : random.pick([Infinity, 300, 1_500]),
    topicPauseMs: calm ? Infinity : random.pick([Infinity, Infinity, 100, 500]),
    paddingBytesMax: random.pick([0, 100, 1_000]),
  };
}

/** Each fault is on in about a third of the runs: bugs hide where all are on at once (swarm testing). */
export function drawPlan(random: Random, seed: number): FaultPlan {
  const share = random.pick([0, 0.15, 0.3, 0.6]);
  const departs = DEPARTURES.remainders.includes(seed % DEPARTURES.of);
  return {
    on: FAULTS.filter((fault) => (fault === 'depart' ? departs : random.chance(share))),
    pauseMs: random.pick([150, 500, 1_500]),
    lastsMs: random.pick([50, 300, 1_200, 3_000]),
  };
}
