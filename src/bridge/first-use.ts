/**
 * Owns the creation of topics that a message names for the first time, as Kafka's
 * auto.create.topics.enable does. Remembers nothing but creations under way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { BellwetherClient, CallOptions, PartitionRef } from '../client/types.js';
import { BellwetherError } from '../errors.js';
import type { CallBudget } from './call-budget.js';
import { isUnknownTopic } from './maelstrom-errors.js';

/** Most partitions of a topic that the bridge creates. */
export const PARTITIONS_PER_TOPIC_MAX = 64;

/** How often a call is repeated while a broker has not yet heard of a topic that exists. */
const LAG_RETRIES_MAX = 40;

/** Pause before each repetition. */
const LAG_PAUSE_MS = 25;

/** Runs calls on partitions whose topic may not exist yet. */
export class FirstUse {
  readonly #client: BellwetherClient;
  readonly #creating = new Map<string, Promise<void>>();

  constructor(client: BellwetherClient) {
    this.#client = client;
  }

  /**
   * Runs `call`; when the topic does not exist, creates it with just enough partitions and runs it again.
   * Rejects with UNKNOWN_TOPIC_OR_PARTITION when the topic exists with fewer partitions, or would
   * need more than PARTITIONS_PER_TOPIC_MAX.
   */
  async run<Result>(
    ref: PartitionRef,
    budget: CallBudget,
    call: (options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await call(budget.call());
    } catch (error) {
      if (!isUnknownTopic(error)) throw error;
      await this.#create(ref, budget, error);
    }
    for (let retries = 0; ; retries++) {
      try {
        return await call(budget.call());
      } catch (error) {
        if (!isUnknownTopic(error) || retries === LAG_RETRIES_MAX || budget.leftMs <= LAG_PAUSE_MS)
          throw error;
        await pause(LAG_PAUSE_MS);
      }
    }
  }

  /** Concurrent first uses of one topic share one creation. */
  async #create(ref: PartitionRef, budget: CallBudget, unknown: BellwetherError): Promise<void> {
    if (ref.partition >= PARTITIONS_PER_TOPIC_MAX) throw tooManyPartitions(ref, unknown);
    const running = this.#creating.get(ref.topic);
    const created = running ?? this.#createOnce(ref, budget).finally(() => this.#creating.delete(ref.topic));
    this.#creating.set(ref.topic, created);
    try {
      await created;
      if (running === undefined) return;
    } catch (error) {
      if (!isExisting(error)) throw error;
    }
    await this.#requirePartition(ref, budget, unknown);
  }

  async #createOnce({ topic, partition }: PartitionRef, budget: CallBudget): Promise<void> {
    await this.#client.admin.createTopic(topic, { partitions: partition + 1, ...budget.call() });
  }

  /** Somebody else made the topic, perhaps with fewer partitions than this message needs. */
  async #requirePartition(ref: PartitionRef, budget: CallBudget, unknown: BellwetherError): Promise<void> {
    try {
      const { partitions } = await this.#client.admin.describeTopic(ref.topic, budget.call());
      if (partitions.length <= ref.partition) throw unknown;
    } catch (error) {
      // The broker that was asked has not heard of the topic yet: the repetitions wait for that.
      if (error === unknown || !isUnknownTopic(error)) throw error;
    }
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof BellwetherError && error.reason === 'TOPIC_ALREADY_EXISTS';
}

function tooManyPartitions({ topic, partition }: PartitionRef, cause: BellwetherError): BellwetherError {
  const limit = String(PARTITIONS_PER_TOPIC_MAX);
  return new BellwetherError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `body.partition: ${topic} has no partition ${partition}; a topic is created with at most ${limit}`,
    { metadata: { topic, partition: String(partition), partitions_max: limit }, cause },
  );
}
