/** A client that creates topics, writes to them and deletes them, all the time. */

import { produce } from '../broker/data.js';
import { createTopic, deleteTopic } from '../broker/topics.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { encodeRecordBatch } from '../records/batch-encode.js';
import type { ClientPort } from './client-port.js';
import type { Random } from './random.js';

const TIMEOUT_MS = 2_000;
const PARTITIONS = 2;
const NAMES = ['side-a', 'side-b'];

export class TopicChurn {
  readonly #port: ClientPort;
  readonly #random: Random;
  readonly #brokers: readonly BrokerId[];
  #stopped = false;

  constructor(port: ClientPort, random: Random, brokers: readonly BrokerId[]) {
    this.#port = port;
    this.#random = random;
    this.#brokers = brokers;
  }

  stop(): void {
    this.#stopped = true;
  }

  async loop(pauseMs: number): Promise<void> {
    while (!this.#stopped) {
      await this.#port.sleep(this.#random.exponential(pauseMs));
      const topic = this.#random.pick(NAMES);
      const via = this.#random.pick(this.#brokers);
      try {
        await this.#act(via, topic);
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
      }
    }
  }

  async #act(via: BrokerId, topic: string): Promise<void> {
    switch (this.#random.below(4)) {
      case 0: {
        const request = { topic, partitions: PARTITIONS, replicationFactor: undefined };
        await this.#port.call(via, TIMEOUT_MS, (broker) => createTopic(broker, request, TIMEOUT_MS));
        return;
      }
      case 1:
        await this.#port.call(via, TIMEOUT_MS, (broker) => deleteTopic(broker, topic, TIMEOUT_MS));
        return;
      default: {
        const value = new Uint8Array(8);
        const batch = encodeRecordBatch([{ key: undefined, value, headers: [], timestampMs: 1 }]);
        const request = { topic, partition: this.#random.below(PARTITIONS), acks: 'all', batch } as const;
        await this.#port.call(via, TIMEOUT_MS, (broker) => produce(broker, request, TIMEOUT_MS));
      }
    }
  }
}
