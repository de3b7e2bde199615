/** The partitioners of the topics that one producer sends to; how many partitions there are is asked once. */
import { fromServiceError } from '../wire/status.js';
import type { BellwetherError } from '../errors.js';
import { metadata } from './partition.js';
import { Partitioner } from './partitioner.js';
import type { Session } from './session.js';
import type { PartitionRef } from './types-base.js';

export class TopicPartitioners {
  readonly #session: Session;
  readonly #batchesOf: (ref: PartitionRef) => number;
  readonly #known = new Map<string, Partitioner>();
  /** Why a topic could not be learnt, while that is told. */
  readonly #failures = new Map<string, BellwetherError>();
  readonly #asking = new Set<string>();
  readonly #onLearnt: () => void;

  constructor(session: Session, batchesOf: (ref: PartitionRef) => number, onLearnt: () => void) {
    this.#session = session;
    this.#batchesOf = batchesOf;
    this.#onLearnt = onLearnt;
  }

  /** Undefined while the topic is not known: `onLearnt` is called soon. @throws BellwetherError when it cannot be */
  partitionOf(topic: string, key: Uint8Array | undefined): number | undefined {
    const partitioner = this.#known.get(topic);
    if (partitioner !== undefined) return partitioner.partitionOf(key);
    const failure = this.#failures.get(topic);
    if (failure !== undefined) throw failure;
    if (!this.#asking.has(topic)) void this.#learn(topic);
    return undefined;
  }

  sealed({ topic, partition }: PartitionRef): void {
    this.#known.get(topic)?.sealed(partition);
  }

  async #learn(topic: string): Promise<void> {
    this.#asking.add(topic);
    try {
      const { topics } = await metadata(this.#session, [topic], undefined);
      const count = topics.find((each) => each.topic === topic)?.partitions.length ?? 0;
      const batchesOf = (partition: number): number => this.#batchesOf({ topic, partition });
      this.#known.set(topic, new Partitioner(count, batchesOf));
    } catch (error) {
      this.#failures.set(topic, fromServiceError(error));
    }
    this.#asking.delete(topic);
    this.#onLearnt();
    // Those that waited have been told; whoever comes later has it asked for again.
    this.#failures.delete(topic);
  }
}
