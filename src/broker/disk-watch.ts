/**
 * Whether this broker's disk answers. A broker whose disk hangs must not look alive (B27): first it stops
 * confirming the heartbeats of its peers, so that nobody counts on it; soon after it gives up all that it
 * leads, and says so, so that nobody waits for its links to time out.
 */

import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import type { BrokerOptions, BrokerParts } from './broker-options.js';
import type { Clock } from './clock.js';
import { type DiskSpace, diskSpaceOf } from './disk-space.js';
import { LIMITS } from './limits.js';

/** What is on its way to the disk. */
export interface PendingWrites {
  /** When the oldest write without an answer was submitted; Infinity for none. */
  readonly oldestMs: () => number;
  /** Bytes of all of them, in memory until the disk has them. */
  readonly bytes: () => number;
}

export class DiskWatch {
  readonly #clock: Clock;
  readonly #pending: PendingWrites;
  readonly space: DiskSpace;
  readonly #onStalled: (pendingMs: number) => void;
  #oldestMs = Infinity;
  #lastBeatMs = 0;
  /** How long the oldest write has waited, without the time for which this process was held up itself. */
  #pendingMs = 0;
  #stalled = false;

  constructor(
    clock: Clock,
    pending: PendingWrites,
    space: DiskSpace,
    onStalled: (pendingMs: number) => void,
  ) {
    this.#clock = clock;
    this.#pending = pending;
    this.space = space;
    this.#onStalled = onStalled;
  }

  /**
   * Refuses a write of a client while the disk has no room for records, or those of all partitions that wait for
   * it are as many as memory may hold.
   *
   * @throws BellwetherError DISK_FULL, BROKER_WRITE_BUFFER_FULL
   */
  checkRoom(broker: BrokerId): void {
    this.space.check(broker);
    const bytes = this.#pending.bytes();
    const bytesMax = Math.floor(this.space.backlogMax(LIMITS.clientWriteBytesMax));
    if (bytes <= bytesMax) return;
    throw new BellwetherError(
      'BROKER_WRITE_BUFFER_FULL',
      `${String(bytes)} bytes wait for the disk of broker ${broker}, of ${String(bytesMax)} that may`,
      { metadata: { broker, pending_bytes: String(bytes), pending_bytes_max: String(bytesMax) } },
    );
  }

  /**
   * Undefined while entries of leaders may be taken in. Otherwise resolves when the disk has caught up: until
   * then whoever sends them is held back.
   */
  caughtUp(): Promise<void> | undefined {
    const isCaughtUp = (): boolean =>
      this.#pending.bytes() <= this.space.backlogMax(LIMITS.replicaWriteBytesMax);
    if (isCaughtUp()) return undefined;
    return new Promise((resolve) => {
      const look = (): void => {
        if (isCaughtUp()) resolve();
        else this.#clock.schedule(LIMITS.writeBacklogLookMs, look);
      };
      this.#clock.schedule(LIMITS.writeBacklogLookMs, look);
    });
  }

  /** True while a write waits for longer than a peer should count on this broker. */
  get isSlow(): boolean {
    return this.#pendingMs > LIMITS.diskSlowMs;
  }

  /** Called with each heartbeat. @param lagMs By how much it is late. */
  beat(lagMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const oldestMs = this.#pending.oldestMs();
    const sinceBeatMs = nowMs - this.#lastBeatMs - Math.max(0, lagMs);
    if (oldestMs === Infinity) this.#pendingMs = 0;
    else if (oldestMs === this.#oldestMs) this.#pendingMs += Math.max(0, sinceBeatMs);
    else this.#pendingMs = Math.max(0, Math.min(nowMs - oldestMs, sinceBeatMs));
    this.#oldestMs = oldestMs;
    this.#lastBeatMs = nowMs;
    const stalled = this.#pendingMs > LIMITS.diskStallMs;
    if (stalled && !this.#stalled) this.#onStalled(this.#pendingMs);
    this.#stalled = stalled;
  }
}

export function diskWatchOf(
  options: BrokerOptions,
  parts: BrokerParts,
  oldestMs: () => number,
  onStalled: (pendingMs: number) => void,
): DiskWatch {
  const pending = { oldestMs, bytes: () => parts.journal.pendingBytes };
  return new DiskWatch(parts.clock, pending, diskSpaceOf(options, parts), onStalled);
}
