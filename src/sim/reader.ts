/** Reads of a partition's end and of committed offsets that must miss nothing acknowledged before (I18). */

import type { Broker } from '../broker/broker.js';
import { listOffset } from '../broker/data.js';
import { fetchOffsets } from '../broker/offsets.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import type { ClientSafety } from './checkers/client-safety.js';
import { CONSUMER_GROUP } from './checkers/log-matching.js';
import type { ClientPort } from './client-port.js';

const READ_TIMEOUT_MS = 500;

export class Reader {
  readonly #port: ClientPort;
  readonly #safety: ClientSafety;
  readonly #topic: string;

  constructor(port: ClientPort, safety: ClientSafety, topic: string) {
    this.#port = port;
    this.#safety = safety;
    this.#topic = topic;
  }

  /** Asks one broker for the latest offset, which is linearizable. */
  async latest(via: BrokerId, partition: number): Promise<void> {
    const before = this.#safety.knownEnd(partition);
    const request = { topic: this.#topic, partition, at: 'latest' } as const;
    const listed = await this.#ask(via, (broker) => listOffset(broker, request, READ_TIMEOUT_MS));
    if (listed !== undefined) this.#safety.listed(partition, before, listed.offset, listed.term);
  }

  /** The committed offset as one broker tells it; undefined when it does not answer. */
  async committed(via: BrokerId, partition: number): Promise<{ offset: number | undefined } | undefined> {
    const before = this.#safety.committedOffset(partition);
    const partitions = [{ topic: this.#topic, partition }];
    const found = await this.#ask(via, (broker) =>
      fetchOffsets(broker, CONSUMER_GROUP, partitions, READ_TIMEOUT_MS),
    );
    if (found === undefined) return undefined;
    const offset = found[0]?.offset;
    this.#safety.offsetFetched(partition, before, offset);
    return { offset };
  }

  async #ask<T>(via: BrokerId, serve: (broker: Broker) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#port.call(via, READ_TIMEOUT_MS, serve);
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      return undefined;
    }
  }
}
