/**
 * Whether this broker's disk has room for records. Some of it is kept in reserve: what is short of room must
 * still be able to vote, lead, and write down deletions, so that it serves reads and comes back by itself.
 *
 * RabbitMQ and Redpanda refuse producers at a low free disk in the same way.
 */

import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import type { BrokerOptions, BrokerParts } from './broker-options.js';
import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';

/** With so many times the reserve free, and so many bytes at least, it takes a while until it matters. */
const PLENTY_RESERVES = 4;
const PLENTY_BYTES = 1_073_741_824;
/** What waits for the disk of one broker is at most this part of what is free beyond the reserve. */
const BACKLOG_SHARE = 8;

/** What is known of the disk. */
export interface DiskRoom {
  /** Bytes that the broker may still write to the disk of its data folder; rejects when nobody knows. */
  readonly freeBytes: () => Promise<number>;
  /** True while a write waits for room, and, once one did, until `tight` is called. */
  readonly isFull: () => boolean;
  /** Bytes that it wants to take for when the disk is full, and has not yet. */
  readonly missingBytes: () => number;
  /** Told how much is free while that is not plenty; undefined while it is. */
  readonly tight: (freeBytes: number | undefined) => void;
  /** Lets go of what is not needed any more, as soon as it can. */
  readonly makeRoom: () => void;
  /** Takes a little more of the disk for when it is full. */
  readonly stockUp: () => void;
}

export class DiskSpace {
  readonly #clock: Clock;
  readonly #room: DiskRoom;
  readonly #reserveBytes: number;
  readonly #log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  #freeBytes = Infinity;
  #isShort = false;
  #whileShort: (() => void) | undefined;
  #roomMadeMs = -Infinity;
  #cancel: (() => void) | undefined;

  /** @param reserveBytes Records are refused while less is free, and till a quarter more is. */
  constructor(
    clock: Clock,
    room: DiskRoom,
    reserveBytes: number,
    log: (message: string, facts: Readonly<Record<string, unknown>>) => void,
  ) {
    this.#clock = clock;
    this.#room = room;
    this.#reserveBytes = reserveBytes;
    this.#log = log;
  }

  start(): void {
    this.#lookIn(LIMITS.diskSpaceLookMs);
  }

  #lookIn(pauseMs: number): void {
    this.#cancel = this.#clock.schedule(pauseMs, () => void this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** True while records are refused. */
  get isShort(): boolean {
    return this.#isShort || this.#room.isFull();
  }

  /** Sets who is told with each look that finds the disk short. */
  whileShort(act: () => void): void {
    this.#whileShort = act;
  }

  /** @throws BellwetherError DISK_FULL */
  check(broker: BrokerId): void {
    if (!this.isShort) return;
    const [free, reserve] = [String(this.#freeBytes), String(this.#keptBytes)];
    throw new BellwetherError(
      'DISK_FULL',
      `the disk of broker ${broker} has ${free} bytes left, and ${reserve} are kept in reserve`,
      { metadata: { broker, free_bytes: free, reserve_bytes: reserve } },
    );
  }

  /**
   * Of `bytesMax` bytes that may wait for the disk, how many may now: the nearer the reserve is, the fewer, so that what
   * is on its way when records are refused has room there, also where several brokers share the disk.
   */
  backlogMax(bytesMax: number): number {
    const share = (this.#freeBytes - this.#keptBytes) / BACKLOG_SHARE;
    return Math.min(bytesMax, Math.max(LIMITS.shortDiskBacklogBytes, share));
  }

  /** What must be free for records to be taken: of the reserve, what the ballast lacks is not free for anybody. */
  get #keptBytes(): number {
    return this.#reserveBytes + this.#room.missingBytes();
  }

  async #look(): Promise<void> {
    // Where nobody can tell how much is free, a write that finds no room does.
    this.#freeBytes = await this.#room.freeBytes().catch(() => Infinity);
    if (this.#cancel === undefined) return;
    const wantedBytes = this.#keptBytes + (this.#isShort ? this.#reserveBytes / 4 : 0);
    const isShort = this.#room.isFull() || this.#freeBytes < wantedBytes;
    if (isShort !== this.#isShort) {
      const message = isShort ? 'the disk is full: records are refused' : 'the disk has room again';
      this.#log(message, { freeBytes: this.#freeBytes, reserveBytes: this.#keptBytes });
    }
    const isPlenty =
      !isShort && this.#freeBytes >= Math.max(PLENTY_RESERVES * this.#reserveBytes, PLENTY_BYTES);
    this.#room.tight(isPlenty ? undefined : this.#freeBytes);
    this.#isShort = isShort;
    const nowMs = this.#clock.monotonicMs();
    if (isShort && nowMs - this.#roomMadeMs >= LIMITS.makeRoomMs) {
      this.#roomMadeMs = nowMs;
      this.#room.makeRoom();
    }
    if (isShort) this.#whileShort?.();
    else this.#room.stockUp();
    this.#lookIn(isPlenty ? LIMITS.diskSpaceRareLookMs : LIMITS.diskSpaceLookMs);
  }
}

export function diskSpaceOf({ diskReserveBytes }: BrokerOptions, parts: BrokerParts): DiskSpace {
  const { clock, journal, log, freeBytes = () => Promise.resolve(Infinity) } = parts;
  const room = {
    freeBytes,
    isFull: () => journal.isFull,
    missingBytes: () => journal.ballastMissing,
    tight: (freeBytes: number | undefined) => {
      journal.tight(freeBytes);
    },
    makeRoom: () => {
      journal.makeRoom();
    },
    stockUp: () => {
      journal.stockUp();
    },
  };
  const reserveBytes = diskReserveBytes ?? LIMITS.diskReserveBytes;
  return new DiskSpace(clock, room, reserveBytes, (message, facts) => {
    log(message, facts, 'warn');
  });
}
