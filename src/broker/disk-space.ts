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

/** With so many times the reserve free, it takes a while until it matters. */
const PLENTY_RESERVES = 4;

/** What is known of the disk. */
export interface DiskRoom {
  /** Bytes that the broker may still write to the disk of its data folder; rejects when nobody knows. */
  readonly freeBytes: () => Promise<number>;
  /** True while a write waits for room. */
  readonly isFull: () => boolean;
  /** Told how much is free while that is short; undefined while it is not. */
  readonly tight: (freeBytes: number | undefined) => void;
  /** Lets go of what is not needed any more, as soon as it can. */
  readonly makeRoom: () => void;
}

export class DiskSpace {
  readonly #clock: Clock;
  readonly #room: DiskRoom;
  readonly #reserveBytes: number;
  readonly #log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** None, until the first look, which so comes soon. */
  #freeBytes = 0;
  #isShort = false;
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
    const isPlenty = this.#freeBytes >= PLENTY_RESERVES * this.#reserveBytes;
    const pauseMs = isPlenty ? LIMITS.diskSpaceRareLookMs : LIMITS.diskSpaceLookMs;
    this.#cancel = this.#clock.schedule(pauseMs, () => void this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** @throws BellwetherError DISK_FULL */
  check(broker: BrokerId): void {
    if (!this.#isShort && !this.#room.isFull()) return;
    const [free, reserve] = [String(this.#freeBytes), String(this.#reserveBytes)];
    throw new BellwetherError(
      'DISK_FULL',
      `the disk of broker ${broker} has ${free} bytes left, and ${reserve} are kept in reserve`,
      { metadata: { broker, free_bytes: free, reserve_bytes: reserve } },
    );
  }

  async #look(): Promise<void> {
    // Where nobody can tell how much is free, a write that finds no room does.
    this.#freeBytes = await this.#room.freeBytes().catch(() => Infinity);
    if (this.#cancel === undefined) return;
    const wantedBytes = this.#isShort ? this.#reserveBytes * 1.25 : this.#reserveBytes;
    const isShort = this.#room.isFull() || this.#freeBytes < wantedBytes;
    if (isShort !== this.#isShort) {
      const message = isShort ? 'the disk is full: records are refused' : 'the disk has room again';
      this.#log(message, { freeBytes: this.#freeBytes, reserveBytes: this.#reserveBytes });
    }
    if (isShort || this.#isShort) this.#room.tight(isShort ? this.#freeBytes : undefined);
    this.#isShort = isShort;
    const nowMs = this.#clock.monotonicMs();
    if (isShort && nowMs - this.#roomMadeMs >= LIMITS.makeRoomMs) {
      this.#roomMadeMs = nowMs;
      this.#room.makeRoom();
    }
    this.start();
  }
}

export function diskSpaceOf({ diskReserveBytes }: BrokerOptions, parts: BrokerParts): DiskSpace {
  const { clock, journal, log, freeBytes = () => Promise.resolve(Infinity) } = parts;
  const room = {
    freeBytes,
    isFull: () => journal.isFull,
    tight: (freeBytes: number | undefined) => {
      journal.tight(freeBytes);
    },
    makeRoom: () => {
      journal.makeRoom();
    },
  };
  const reserveBytes = diskReserveBytes ?? LIMITS.diskReserveBytes;
  return new DiskSpace(clock, room, reserveBytes, (message, facts) => {
    log(message, facts, 'warn');
  });
}
