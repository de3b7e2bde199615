/**
 * One life of one simulated broker process: whether it runs, its view of the clock, and the production
 * broker that lives in it.
 */

import type { LeaderBalance } from '../broker/balancer.js';
import { Broker } from '../broker/broker.js';
import type { Clock } from '../broker/clock.js';
import { PeerHandler } from '../broker/peer-handler.js';
import { register } from '../broker/registration.js';
import type { SnapshotSpacing } from '../cluster/cluster-log.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import { openDataDirectory } from '../storage/data-directory.js';
import type { RecoveredGroup } from '../storage/journal-replay.js';
import { Journal } from '../storage/journal.js';
import type { SimDisk } from './disk.js';
import type { Network } from './network.js';
import type { Plant } from './plants/plant.js';
import type { Random } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';

/** Small, so that a run sees many journal files and reads cold entries. */
const JOURNAL_FILE_BYTES = 64 * 1024;
const SEGMENT_BYTES = 48 * 1024;
const JOURNAL_PREALLOCATE_BYTES = 4096;
const JOURNAL_CACHE_BYTES = 256 * 1024;
/** Pause between two looks for records that are more than the topic keeps. */
const RETENTION_CHECK_MS = 1_000;
const JOURNAL_BALLAST_BYTES = 64 * 1024;
const ROOM_RETRY_MS = 250;
/** What a wall clock that never jumped shows at simulated time 0, in milliseconds since the Unix epoch. */
export const WALL_EPOCH_MS = 1_700_000_000_000;

export interface ProcessOptions {
  readonly id: BrokerId;
  readonly brokers: readonly BrokerId[];
  /** Those that the cluster was begun with; empty for one that joins. */
  readonly bootstrap: readonly BrokerId[];
  readonly snapshotSpacing: SnapshotSpacing | undefined;
  /** Undefined for the default. */
  readonly leaderBalance: LeaderBalance | undefined;
  /** Counts the lives of this broker, from 1. */
  readonly life: number;
  readonly disk: SimDisk;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** What the clock of this machine is ahead of the simulated time. */
  readonly clockAheadMs: number;
  /** UUID for a fresh disk. */
  readonly newUuid: () => string;
  /** A planted bug; undefined for production code as it is. */
  readonly plant: Plant | undefined;
  /** The disk's content was read back; before anything acts on it. */
  readonly onRecovered: (process: SimProcess, groups: ReadonlyMap<GroupId, RecoveredGroup>) => void;
  /** It could not start, or has failed. */
  readonly onFatal: (process: SimProcess, error: BellwetherError) => void;
}

export class SimProcess implements Owner {
  readonly options: ProcessOptions;
  readonly id: BrokerId;
  state: 'running' | 'paused' | 'dead' = 'running';
  /** Undefined until the journal has been recovered. */
  broker: Broker | undefined;
  incarnation = '';
  failure: BellwetherError | undefined;
  readonly #bootedMs: number;
  #pausedMs = 0;
  #pausedAtMs = 0;
  #held: (() => void)[] = [];
  /** What the clock showed at `#readAtMs`, and how fast it has run since. */
  #readMs: number;
  #readAtMs: number;
  #rate = 1;
  #wallAheadMs = 0;

  constructor(options: ProcessOptions) {
    this.options = options;
    this.id = options.id;
    this.#readAtMs = options.scheduler.nowMs;
    this.#readMs = this.#readAtMs + options.clockAheadMs;
    this.#bootedMs = options.scheduler.nowMs;
  }

  /** How long it has run, pauses left out. */
  get activeMs(): number {
    const { nowMs } = this.options.scheduler;
    return (this.state === 'paused' ? this.#pausedAtMs : nowMs) - this.#bootedMs - this.#pausedMs;
  }

  get clockAheadMs(): number {
    return this.#clockMs - this.options.scheduler.nowMs;
  }

  /** What the wall clock is ahead of one that never jumped. */
  get wallAheadMs(): number {
    return this.#wallAheadMs;
  }

  get #clockMs(): number {
    return this.#readMs + (this.options.scheduler.nowMs - this.#readAtMs) * this.#rate;
  }

  hold(run: () => void): void {
    this.#held.push(run);
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.#pausedAtMs = this.options.scheduler.nowMs;
  }

  /** All that came due meanwhile happens now, in order. */
  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    this.#pausedMs += this.options.scheduler.nowMs - this.#pausedAtMs;
    const held = this.#held;
    this.#held = [];
    for (const run of held) this.options.scheduler.after(0, this, run);
  }

  /** The monotonic clock leaps forward, the wall clock to wherever it likes; timers stay as they are. */
  jumpClock(forwardMs: number, wallMs: number): void {
    this.#readMs += forwardMs;
    this.#wallAheadMs += wallMs;
  }

  /** The monotonic clock runs faster or slower from now on, and timers with it. */
  drift(rate: number): void {
    this.#readMs = this.#clockMs;
    this.#readAtMs = this.options.scheduler.nowMs;
    this.#rate = rate;
  }

  kill(): void {
    this.state = 'dead';
    this.#held = [];
    this.broker?.stop();
    this.options.network.detach(this);
  }

  /** Starts the broker on what its disk holds. */
  async boot(): Promise<void> {
    try {
      await this.#boot();
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      this.#fail(error);
    }
  }

  #fail(error: BellwetherError): void {
    this.failure = error;
    this.options.onFatal(this, error);
  }

  async #boot(): Promise<void> {
    const { id, brokers, bootstrap, disk, network, newUuid, plant, snapshotSpacing, leaderBalance } =
      this.options;
    const mounted = disk.mount(this);
    const fileSystem = plant?.fileSystem?.(mounted) ?? mounted;
    const data = await openDataDirectory({
      fileSystem,
      directory: 'data',
      brokerId: id,
      clusterName: 'sim',
      bootstrapVoters: bootstrap,
      newUuid,
      lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    });
    this.incarnation = data.incarnation;
    const clock = this.#clock();
    const { journal, groups } = await Journal.open({
      fileSystem,
      directory: data.journalDirectory,
      incarnation: data.incarnation,
      fileBytes: JOURNAL_FILE_BYTES,
      segmentBytes: SEGMENT_BYTES,
      preallocateBytes: JOURNAL_PREALLOCATE_BYTES,
      cacheBytes: JOURNAL_CACHE_BYTES,
      ballastBytes: JOURNAL_BALLAST_BYTES,
      roomRetry: () => new Promise((resolve) => void clock.schedule(ROOM_RETRY_MS, resolve)),
    });
    this.options.onRecovered(this, groups);
    const transport = network.attach(this);
    const broker = new Broker(
      {
        id,
        bootstrap: data.bootstrapVoters,
        peerAddresses: new Map(brokers.map((peer) => [peer, `${peer}:2`])),
        peerAddress: `${id}:2`,
        incarnation: data.incarnation,
        address: `${id}:1`,
        rack: '',
        leaderBalance,
        retentionCheckMs: RETENTION_CHECK_MS,
      },
      {
        clock,
        journal,
        freeBytes: () => fileSystem.freeBytes('data'),
        recovered: groups,
        transport,
        snapshotSpacing,
        newRaft: plant?.newRaft,
        log: () => undefined,
        onFatal: (error) => {
          network.detach(this);
          this.#fail(error);
        },
      },
    );
    this.broker = broker;
    broker.start();
    transport.start(new PeerHandler(broker));
    broker.peers.start();
    void register(broker);
  }

  #clock(): Clock {
    const { scheduler, random } = this.options;
    return {
      monotonicMs: () => this.#clockMs,
      wallMs: () => WALL_EPOCH_MS + Math.floor(scheduler.nowMs + this.#wallAheadMs),
      random: () => random.next(),
      newUuid: () => random.uuid(),
      schedule: (delayMs, callback) => scheduler.after(delayMs / this.#rate, this, callback),
      defer: (callback) => {
        scheduler.after(0, this, callback);
      },
      soon: (callback) => {
        scheduler.after(0, this, callback);
      },
    };
  }
}
