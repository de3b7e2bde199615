/** Writers and readers at work on all partitions, until told to stop. */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { PartitionRef } from '../client/types.js';
import type { Reader, ReadOptions, Writer } from './drive.js';
import { Pace } from './pace.js';
import type { Recorder } from './recorder.js';

/** Process numbers: writers from 0, then the readers. */
const LEADER_READER_BASE = 10_000;
const FOLLOWER_READER_BASE = 20_000;

/** Batches that a writer sends in a second, about; the rate decides how large they are. */
const BATCHES_PER_SECOND = 20;

/** Bound of a write and of a read, in milliseconds. */
export const CALL_TIMEOUT_MS = 3_000;
const READ_WAIT_MS = 500;
/** Pause of a reader that got nothing, so that one whose calls fail at once does not keep a processor busy. */
const IDLE_MS = 20;

/** How often a reader starts over somewhere before, in the mean after so many reads, and how far back at most. */
const READS_BEFORE_ASSIGN = 200;
const RECORDS_BACK_MAX = 2_000;

export interface WorkloadOptions {
  readonly recorder: Recorder;
  /** All of them write to each partition, so that their batches meet at its leader. */
  readonly writers: readonly Writer[];
  readonly readers: Reader;
  /** Reads from followers: one for each partition. */
  readonly followerReaders: readonly Reader[];
  /** Records in a second, over all partitions. */
  readonly rate: number;
  /** Records that are sent at most; then writers rest. */
  readonly recordsMax: number;
}

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects at a defect of the client; else it is pending for ever. */
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.failed.catch(() => undefined);
    // Each loop that rests listens: as many as there are loops.
    setMaxListeners(0, this.#stop.signal);
    for (const { ref } of options.recorder.partitions) {
      options.writers.forEach((writer, i) => {
        this.#start(() => this.#write(ref.partition * options.writers.length + i, writer, ref));
      });
      this.#start(() => this.#read(LEADER_READER_BASE + ref.partition, options.readers, ref, false));
      const follower = options.followerReaders[ref.partition];
      if (follower !== undefined) {
        this.#start(() => this.#read(FOLLOWER_READER_BASE + ref.partition, follower, ref, true));
      }
    }
  }

  /** Resolves once every call has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#loops);
  }

  /** Batch after batch; a value whose fate is unknown is not given to the writer again. */
  async #write(process: number, writer: Writer, ref: PartitionRef): Promise<void> {
    const { recorder, writers, rate, recordsMax } = this.#options;
    const ownRate = rate / (recorder.partitions.length * writers.length);
    /** Those under way, oldest first: each ends after those before it. */
    const sends: Promise<void>[] = [];
    const pace = new Pace(ownRate, performance.now() + (Math.random() * 1000) / BATCHES_PER_SECOND);
    const sizeMax = Math.max(1, Math.ceil((2 * ownRate) / BATCHES_PER_SECOND) - 1);
    while (!this.#stop.signal.aborted && recorder.sent < recordsMax) {
      const count = 1 + Math.floor(Math.random() * sizeMax);
      await this.#rest(pace.waitMs(performance.now(), count));
      if (this.#stop.signal.aborted) break;
      const send = recorder.send(process, writer, ref, count, sends.at(-1));
      send.catch(() => undefined); // Awaited below.
      sends.push(send);
      if (sends.length >= writer.callsAtOnce) await sends.shift();
    }
    await Promise.all(sends);
  }

  /** On and on, and now and then again from somewhere before. */
  async #read(process: number, reader: Reader, ref: PartitionRef, allowFollower: boolean): Promise<void> {
    const { recorder } = this.#options;
    let position = 0;
    while (!this.#stop.signal.aborted) {
      const maxRecords = 1 + Math.floor(Math.random() * 500);
      const options: ReadOptions = {
        timeoutMs: CALL_TIMEOUT_MS,
        maxWaitMs: READ_WAIT_MS,
        maxRecords,
        allowFollower,
      };
      const { next } = await recorder.poll(process, reader, ref, position, options);
      if (next === position) await this.#rest(IDLE_MS);
      position = next;
      if (Math.random() * READS_BEFORE_ASSIGN > 1) continue;
      position = Math.max(0, position - Math.floor(Math.random() * RECORDS_BACK_MAX));
      recorder.assign(process, ref);
    }
  }

  /** Waits, but not beyond the stop. */
  async #rest(ms: number): Promise<void> {
    if (ms > 0) await pause(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #start(loop: () => Promise<void>): void {
    this.#loops.push(
      loop().catch((error: unknown) => {
        this.#fail(error);
        this.#stop.abort();
      }),
    );
  }
}
