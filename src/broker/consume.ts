/**
 * Sends the committed records of a partition from a place on, and new ones as they come.
 *
 * A stream is a position in the log, which is its buffer. It reads only what its client has room for, waits at
 * the high watermark without a timer, and ends as soon as another broker leads.
 */

import type { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import type { Broker } from './broker.js';
import type { ClientStream } from './client-streams.js';
import { confirmLeadership } from './data.js';
import { LIMITS } from './limits.js';
import type { Fetched, PartitionHost } from './partition-host.js';

export interface ConsumeRequest {
  readonly topic: string;
  readonly partition: number;
  /** An offset from 0, the log start, the high watermark, or the first record of a time. */
  readonly start: number | 'earliest' | 'latest' | { readonly timestampMs: number };
  /** Nothing from here on is sent; undefined to go on for ever. */
  readonly endOffset: number | undefined;
  /** End at the high watermark that there is at the beginning. */
  readonly untilEnd: boolean;
  readonly bytesMax: number;
  readonly allowFollower: boolean;
}

/** Where a stream sends what it has. */
export interface ConsumeSink {
  /** The client is gone: nothing is to be sent any more. */
  readonly isClosed: boolean;
  /** True while nothing more should be sent; `resume` must follow. */
  readonly isFull: boolean;
  /** Sends what was read at `offset`, up to `endOffset`; none says where the stream begins. Returns what comes next. */
  send(fetched: Fetched, offset: number, endOffset: number): number;
  /** Sets who is told that the sink has room, or was closed. */
  onChange(resume: () => void): void;
}

/** Where the leadership of the partition stands, seen from a reader that wants the leader. */
type Standing = 'here' | 'elsewhere' | 'nowhere';

/**
 * Resolves when the stream has come to its end, or its client is gone.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER, OFFSET_OUT_OF_RANGE, SHUTTING_DOWN,
 * TOO_MANY_STREAMS; where the start or the end depends on what is committed, as `listOffset`.
 */
export async function consume(broker: Broker, request: ConsumeRequest, sink: ConsumeSink): Promise<void> {
  broker.checkServing();
  const reader = new Reader(broker, request, broker.assignment(request.topic, request.partition));
  const leave = broker.streams.consume.add(reader);
  const unwatch = reader.watch();
  sink.onChange(() => {
    reader.wake();
  });
  try {
    await reader.run(sink);
  } finally {
    unwatch();
    leave();
  }
}

class Reader implements ClientStream {
  readonly #broker: Broker;
  readonly #request: ConsumeRequest;
  readonly #assignment: PartitionAssignment;
  #over: BellwetherError | undefined;
  #standing: Standing;
  /** Something happened since the last wait began. */
  #isWoken = false;
  #wake: (() => void) | undefined;

  constructor(broker: Broker, request: ConsumeRequest, assignment: PartitionAssignment) {
    this.#broker = broker;
    this.#request = request;
    this.#assignment = assignment;
    this.#standing = this.#look();
  }

  stop(error: BellwetherError): void {
    this.#over ??= error;
    this.wake();
  }

  fail(error: BellwetherError): void {
    this.stop(error);
  }

  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** Is woken from now on when the leadership moves. */
  watch(): () => void {
    return this.#broker.table.watch(this.#assignment.group, () => {
      const standing = this.#look();
      if (standing === this.#standing) return;
      this.#standing = standing;
      this.wake();
    });
  }

  async run(sink: ConsumeSink): Promise<void> {
    const { endOffset = Infinity, untilEnd } = this.#request;
    let replica = this.#replica();
    let offset = await this.#start();
    const { highWatermark, logStartOffset } = replica.log;
    const end = untilEnd ? Math.min(endOffset, highWatermark) : endOffset;
    // Says whether the offset is good, and reads nothing.
    replica.checkOffset(offset);
    sink.send({ batches: [], highWatermark, logStartOffset }, offset, end);
    while (!sink.isClosed && offset < end) {
      if (this.#over !== undefined) throw this.#over;
      this.#broker.checkServing();
      replica = this.#replica();
      if (sink.isFull) {
        await this.#woken();
        continue;
      }
      const fetched = await replica.fetch(offset, this.#bytesMax(), 0);
      if (fetched.batches.length > 0) offset = sink.send(fetched, offset, end);
      else await this.#more(replica, offset);
    }
  }

  /** Where the client wants to begin. What is committed is asked of a leader that a quorum confirms. */
  async #start(): Promise<number> {
    const { topic, partition, start, untilEnd, allowFollower } = this.#request;
    const needsNewest = untilEnd || start === 'latest' || typeof start === 'object';
    if (needsNewest && !allowFollower) {
      await confirmLeadership(this.#broker, topic, partition, LIMITS.defaultTimeoutMs);
    }
    const replica = this.#replica();
    if (typeof start === 'number') return start;
    if (start === 'earliest') return replica.log.logStartOffset;
    const found = start === 'latest' ? undefined : await replica.firstAtTime(start.timestampMs);
    return found?.offset ?? replica.log.highWatermark;
  }

  /** The replica to read from. @throws BellwetherError NOT_LEADER, NO_LEADER, UNKNOWN_TOPIC_OR_PARTITION */
  #replica(): PartitionHost {
    const { topic, partition, allowFollower } = this.#request;
    const { group } = this.#assignment;
    const replica = this.#broker.replica(group);
    // A topic that was made anew under the same name is another one.
    if (replica === undefined || (!allowFollower && this.#look() === 'elsewhere')) {
      throw this.#broker.elsewhere(group, { topic, partition });
    }
    return replica;
  }

  #look(): Standing {
    const { group } = this.#assignment;
    const leader = this.#broker.table.leaderOf(group);
    if (leader === undefined) return this.#broker.replica(group)?.leads === true ? 'here' : 'nowhere';
    return leader.leader === this.#broker.id ? 'here' : 'elsewhere';
  }

  /** An even share of what all streams may hold, and no more than the client wants. */
  #bytesMax(): number {
    const share = Math.floor(LIMITS.consumeBytesMax / this.#broker.streams.consume.count);
    return Math.min(this.#request.bytesMax, share);
  }

  /** Waits until there may be something to read at `offset`, or anything else happens. */
  async #more(replica: PartitionHost, offset: number): Promise<void> {
    if (offset < replica.log.highWatermark) {
      // The log changed under the read. It is tried again, but not before everything else had its turn.
      await new Promise<void>((resolve) => {
        this.#broker.clock.defer(resolve);
      });
      return;
    }
    const stop = replica.onReached(offset, () => {
      this.wake();
    });
    try {
      await this.#woken();
    } finally {
      stop();
    }
  }

  /** Waits until something has happened. Where no leader is known the client had better ask elsewhere. */
  async #woken(): Promise<void> {
    const { clock } = this.#broker;
    const { topic, partition, allowFollower } = this.#request;
    if (!this.#isWoken) {
      const isLost = !allowFollower && this.#look() === 'nowhere';
      const giveUp = (): void => {
        this.stop(this.#broker.elsewhere(this.#assignment.group, { topic, partition }));
      };
      const cancel = isLost ? clock.schedule(LIMITS.leaderWaitMsMax, giveUp) : undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      cancel?.();
      this.#wake = undefined;
    }
    this.#isWoken = false;
  }
}
