/** Runs seeds with a planted bug until a checker finds it. */

import { runSeed } from '../swarm.js';
import type { Plant } from './plant.js';

/** Shorter than a real run: many short runs differ more than few long ones. */
const FIRE_MS = 8_000;

export interface Found {
  /** Seeds run, the one that found it included. */
  readonly seeds: number;
  /** The invariant that was broken. */
  readonly invariant: string;
  readonly message: string;
}

/** Undefined when `seedsMax` seeds from `from` on do not find it. */
export async function huntFor(plant: Plant, from: number, seedsMax: number): Promise<Found | undefined> {
  for (let seeds = 1; seeds <= seedsMax; seeds++) {
    const { failure } = await runSeed({ seed: from + seeds - 1, plant, fireMs: FIRE_MS });
    if (failure === undefined) continue;
    const { message } = failure;
    return { seeds, message, invariant: message.slice(0, message.indexOf(':')) };
  }
  return undefined;
}
