/** Breaks a cluster a little every few seconds, one broker at a time, and mends it again. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * What is done to a broker.
 * - `kill`: its process ends at once (SIGKILL), and is started again.
 * - `pause`: its process stands still (SIGSTOP), and goes on.
 * - `cut`: nothing passes between it and the other brokers, though connections stay open; then all passes.
 */
export const FAULTS = ['kill', 'pause', 'cut'] as const;
export type Fault = (typeof FAULTS)[number];

/** A cluster that can be broken. */
export interface Breakable {
  readonly brokers: readonly string[];
  begin(fault: Fault, broker: string): Promise<void>;
  end(fault: Fault, broker: string): Promise<void>;
  /** True as soon as every broker hears every other; false when time is up before. */
  whole(withinMs: number): Promise<boolean>;
}

/** How long a fault lasts: a part of the time between two of them, drawn anew each time. */
const PART_MIN = 0.1;
const PART_MAX = 0.7;

/** How long the next fault waits for the cluster to be whole again, in milliseconds; then it comes all the same. */
export const WHOLE_MAX_MS = 10_000;

export interface TormentOptions {
  readonly cluster: Breakable;
  readonly faults: readonly Fault[];
  /** Milliseconds from the beginning of one fault to that of the next, if the cluster is whole by then. */
  readonly everyMs: number;
  /** Called as each fault begins, and with undefined as it ends. */
  readonly onFault: (now: { readonly fault: Fault; readonly broker: string } | undefined) => void;
  readonly signal: AbortSignal;
}

/**
 * Inflicts the faults in turns, each on a random broker, until `signal` aborts; a fault that has begun is
 * ended first.
 */
export async function torment({ cluster, faults, everyMs, onFault, signal }: TormentOptions): Promise<void> {
  const rest = (ms: number): Promise<void> =>
    pause(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  await rest(everyMs);
  for (let step = 0; !signal.aborted; step++) {
    const fault = faults[step % faults.length];
    const broker = cluster.brokers[Math.floor(Math.random() * cluster.brokers.length)];
    if (fault === undefined || broker === undefined) return;
    const begunMs = performance.now();
    await cluster.begin(fault, broker);
    onFault({ fault, broker });
    await rest(everyMs * (PART_MIN + Math.random() * (PART_MAX - PART_MIN)));
    await cluster.end(fault, broker);
    onFault(undefined);
    if (!signal.aborted) await cluster.whole(WHOLE_MAX_MS);
    await rest(begunMs + everyMs - performance.now());
  }
}
