/** The ProduceStreams of one producer, one to each leader, and the partitions that wait for room in them. */
import type { Connection } from './broker-pool.js';
import type { Lifetime } from './lifetime.js';
import type { Pumped } from './queue-context.js';
import { ProduceStream } from './produce-stream.js';

interface Lane {
  readonly stream: ProduceStream;
  /** With a batch that is full. */
  readonly full: Set<Pumped>;
  /** With a batch that can still grow. */
  readonly growing: Set<Pumped>;
}

/** Opens streams as they are needed. */
export class LeaderStreams {
  readonly #lifetime: Lifetime;
  readonly #dial: (address: string, timeoutMs: number) => Promise<Connection>;
  readonly #lanes = new Map<string, Lane>();

  constructor(lifetime: Lifetime, dial: (address: string, timeoutMs: number) => Promise<Connection>) {
    this.#lifetime = lifetime;
    this.#dial = dial;
  }

  /** The stream to `address`. @throws BellwetherError CONNECTION_FAILED when it cannot be reached in time. */
  async open(address: string, timeoutMs: number): Promise<ProduceStream> {
    const before = this.#lanes.get(address);
    if (before?.stream.isOpen === true) return before.stream;
    const connection = await this.#dial(address, timeoutMs);
    this.#lifetime.check();
    const meanwhile = this.#lanes.get(address);
    if (meanwhile?.stream.isOpen === true) return meanwhile.stream;
    const stream = new ProduceStream(this.#lifetime, connection, () => this.#hasRoom(lane));
    const lane: Lane = { stream, full: new Set(), growing: new Set() };
    this.#lanes.set(address, lane);
    return stream;
  }

  /** Pumps `queue` once its stream has room. */
  whenRoom(stream: ProduceStream, queue: Pumped, canGrow: boolean): void {
    const lane = this.#lanes.get(stream.address);
    if (lane?.stream !== stream) return;
    (canGrow ? lane.growing : lane.full).add(queue);
  }

  /** Half-closes every stream. */
  end(): void {
    for (const { stream } of this.#lanes.values()) stream.end();
    this.#lanes.clear();
  }

  #hasRoom(lane: Lane): void {
    const { stream, full, growing } = lane;
    if (!stream.isOpen && this.#lanes.get(stream.address) === lane) this.#lanes.delete(stream.address);
    release(full, () => !stream.isOpen || stream.hasRoom(false));
    release(growing, () => !stream.isOpen || stream.hasRoom(true));
  }
}

/** Pumps the queues in turn, as long as there is room; one that still finds none goes behind the others. */
function release(queues: Set<Pumped>, hasRoom: () => boolean): void {
  for (let left = queues.size; left > 0 && hasRoom(); left -= 1) {
    const [queue] = queues;
    if (queue === undefined) return;
    queues.delete(queue);
    queue.pump();
  }
}
