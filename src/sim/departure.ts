/** A broker of the simulated cluster is told to stop, as by SIGTERM: it hands over first, and then ends. */

import { LIMITS } from '../broker/limits.js';
import type { Machine } from './machine.js';
import type { World } from './world.js';

/**
 * Tells the machine's broker to stop; `ended` runs once it has. What kills it meanwhile cuts that off.
 *
 * @returns False when there is none that runs, or it is about to stop already.
 */
export function depart(world: World, machine: Machine, ended: () => void): boolean {
  const { process, id } = machine;
  const departure = process?.broker?.departure;
  if (process?.state !== 'running' || process.failure !== undefined) return false;
  if (departure === undefined || departure.hasBegun) return false;
  world.trace.line(() => `FAULT ${id} is told to stop`);
  departure.run(LIMITS.drainMsMax).then(
    (kept) => {
      if (machine.process !== process || process.failure !== undefined) return;
      world.trace.line(() => `FAULT ${id} stops, and leads ${kept.length === 0 ? 'nothing' : kept.join()}`);
      world.kill(machine, false);
      ended();
    },
    (error: unknown) => world.fail(error),
  );
  return true;
}
