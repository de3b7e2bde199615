/**
 * Owns a client that writes all the time, one record after the other, and remembers what was acknowledged
 * and where, so that afterwards every acknowledgement can be held against what the log has.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BellwetherError } from '../../dist/src/client/index.js';
import { inTime } from './until.mjs';

/** Bytes of each record's value. */
const VALUE_BYTES = 100;

/**
 * @typedef {object} Acknowledged
 * @property {number} number Which value it was.
 * @property {number} offset
 * @property {number} term
 * @property {number} atMs On the clock of `performance.now()`.
 */

/**
 * @typedef {object} Failure
 * @property {number} atMs When the call had failed.
 * @property {string} reason
 * @property {string} outcome
 */

export class SteadyWriter {
  #client;
  #ref;
  /** @type {Acknowledged[]} */
  #acknowledged = [];
  /** @type {Failure[]} */
  #failures = [];
  /** @type {Set<number>} */
  #unknown = new Set();
  /** @type {Set<(acknowledged: Acknowledged) => void>} */
  #listeners = new Set();
  #stopped = false;
  /** @type {Promise<void>} */
  #running;

  /**
   * Begins to write.
   *
   * @param {import('../../dist/src/client/index.js').BellwetherClient} client
   * @param {import('../../dist/src/client/index.js').PartitionRef} ref Nobody else may write to it.
   */
  constructor(client, ref) {
    this.#client = client;
    this.#ref = ref;
    this.#running = this.#run();
    this.#running.catch(() => undefined); // Seen by stop(), and by those who wait for a record.
  }

  /** In the order of their acknowledgement. @returns {readonly Acknowledged[]} */
  get acknowledged() {
    return this.#acknowledged;
  }

  /** Calls that failed, in their order. @returns {readonly Failure[]} */
  get failures() {
    return this.#failures;
  }

  /**
   * Resolves with the next acknowledgement that `accept` takes.
   *
   * @param {string} what
   * @param {(acknowledged: Acknowledged) => boolean} accept
   * @returns {Promise<Acknowledged>}
   */
  async next(what, accept) {
    /** @type {(acknowledged: Acknowledged) => void} */
    let look = () => undefined;
    /** @type {Promise<Acknowledged>} */
    const found = new Promise((resolve) => {
      look = (acknowledged) => {
        if (accept(acknowledged)) resolve(acknowledged);
      };
    });
    this.#listeners.add(look);
    try {
      return await inTime(what, Promise.race([found, this.#running.then(() => found)]));
    } finally {
      this.#listeners.delete(look);
    }
  }

  /**
   * Waits for `count` more acknowledgements.
   *
   * @param {number} count
   */
  async more(count) {
    const target = this.#acknowledged.length + count;
    await this.next(`${count} more records are acknowledged`, () => this.#acknowledged.length >= target);
  }

  async stop() {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * Reads the whole partition and compares. Call it after `stop`.
   *
   * @throws Error when an acknowledged value is not at its offset, or anything is there twice.
   */
  async verify() {
    const found = await readAll(this.#client, this.#ref);
    const wrong = this.#acknowledged.filter(({ number, offset }) => found[offset] !== valueOf(number));
    if (wrong.length > 0) {
      const first = wrong[0];
      throw new Error(
        `${wrong.length} of ${this.#acknowledged.length} acknowledged records are not where they were ` +
          `acknowledged; the first is value ${first?.number} at offset ${first?.offset}`,
      );
    }
    const distinct = new Set(found);
    if (distinct.size !== found.length) throw new Error('a value that was sent once is there twice');
    const unknownPresent = [...this.#unknown].filter((number) => distinct.has(valueOf(number))).length;
    const explained = this.#acknowledged.length + unknownPresent;
    if (found.length !== explained) {
      throw new Error(`${found.length} records are there, ${explained} were acknowledged or in doubt`);
    }
    return {
      acknowledged: this.#acknowledged.length,
      acknowledged_missing: 0,
      duplicates: 0,
      unknown_outcome: this.#unknown.size,
      unknown_outcome_present: unknownPresent,
    };
  }

  async #run() {
    for (let number = 0; !this.#stopped; number += 1) {
      const records = [{ value: Buffer.from(valueOf(number)) }];
      try {
        const { baseOffset, term } = await this.#client.produce(this.#ref, records);
        const acknowledged = { number, offset: baseOffset, term, atMs: performance.now() };
        this.#acknowledged.push(acknowledged);
        for (const listener of this.#listeners) listener(acknowledged);
      } catch (error) {
        // A write in flight at the kill fails, and the client says whether it may have been applied.
        if (!(error instanceof BellwetherError)) throw error;
        if (error.outcome !== 'NOT_APPLIED') this.#unknown.add(number);
        this.#failures.push({ atMs: performance.now(), reason: error.reason, outcome: error.outcome });
        await nextTurn(); // Goes on at once, but never in a loop that lets nothing else run.
      }
    }
  }
}

/** @param {number} number */
function valueOf(number) {
  return `value ${number} `.padEnd(VALUE_BYTES, '.');
}

/**
 * All values in the order of their offsets, which have no gaps.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {import('../../dist/src/client/index.js').PartitionRef} ref
 */
async function readAll(client, ref) {
  const decoder = new TextDecoder();
  const values = [];
  for (;;) {
    const { records } = await client.fetch(ref, values.length, { maxRecords: 10_000 });
    if (records.length === 0) return values;
    for (const { offset, value } of records) {
      if (offset !== values.length) throw new Error(`offset ${offset} follows ${values.length - 1}`);
      values.push(value === undefined ? '' : decoder.decode(value));
    }
  }
}
