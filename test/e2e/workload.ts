/** Producers and consumers at work on a cluster while a test does something to it, and the reading at the end. */
import { expect } from 'vitest';
import type { BellwetherClient, PartitionRef } from '../../src/client/index.js';
import { SeededRandom } from '../raft/seeded-random.js';
import { type HistoryRecorder, keyOf } from './history.js';
import { type ProcessCluster, until } from './processes.js';

/** Process numbers: producers from 0, consumers and final readers from their bases. */
const PRODUCERS = 4;
const CONSUMER_BASE = 100;
const FINAL_READER_BASE = 200;
const REPLICA_READER_BASE = 300;

const BATCH_RECORDS_MAX = 3;
const TIMEOUT_MS = 1_500;
const POLL = { timeoutMs: TIMEOUT_MS, maxWaitMs: 100 };

/** Clients at work, until told to stop. */
export class Workload {
  readonly #recorder: HistoryRecorder;
  /** Bound of each call. */
  readonly #timeoutMs: number;
  readonly #loops: Promise<void>[] = [];
  #stopped = false;

  private constructor(recorder: HistoryRecorder, timeoutMs: number) {
    this.#recorder = recorder;
    this.#timeoutMs = timeoutMs;
  }

  /** Four producers and a consumer for each partition; that of the first one may read from followers. */
  static async start(
    cluster: ProcessCluster,
    recorder: HistoryRecorder,
    refs: readonly PartitionRef[],
    seed: number,
    from = 0,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Workload> {
    const workload = new Workload(recorder, timeoutMs);
    for (let i = 0; i < PRODUCERS; i++) {
      const ref = refs[i % refs.length]!;
      workload.#produce(i, await cluster.client(), ref, new SeededRandom(seed + i));
    }
    for (const [i, ref] of refs.entries()) {
      const process = CONSUMER_BASE + i;
      const random = new SeededRandom(seed + process);
      workload.#consume(process, await cluster.client(), ref, random, { allowFollower: i === 0, from });
    }
    return workload;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  /** Sends batches of new values one after the other; a value whose fate is unknown is not sent again. */
  #produce(process: number, client: BellwetherClient, ref: PartitionRef, random: SeededRandom): void {
    this.#start(async () => {
      const count = 1 + random.below(BATCH_RECORDS_MAX);
      await this.#recorder.send(process, client, ref, count, this.#timeoutMs);
    });
  }

  /** Reads on and on, and now and then starts over somewhere below. */
  #consume(
    process: number,
    client: BellwetherClient,
    ref: PartitionRef,
    random: SeededRandom,
    { allowFollower, from }: { readonly allowFollower: boolean; readonly from: number },
  ): void {
    let position = from;
    this.#start(async () => {
      const maxRecords = 1 + random.below(200);
      const options = { ...POLL, timeoutMs: this.#timeoutMs, maxRecords, allowFollower };
      position = (await this.#recorder.poll(process, client, ref, position, options)).next;
      if (random.next() > 0.02) return;
      position = from + random.below(position - from + 1);
      this.#recorder.assign(process, ref);
    });
  }

  #start(turn: () => Promise<void>): void {
    const loop = (async () => {
      while (!this.#stopped) await turn();
    })();
    // Reported by stop(); until then it is not unhandled.
    loop.catch(() => undefined);
    this.#loops.push(loop);
  }
}

/** Reads a partition from its beginning to its end at the leader; the offsets must be dense. Resolves to the end. */
export async function readToEnd(
  recorder: HistoryRecorder,
  client: BellwetherClient,
  ref: PartitionRef,
  from = 0,
): Promise<number> {
  const process = FINAL_READER_BASE + ref.partition;
  let position = from;
  await until(`${keyOf(ref)} is read to its end`, async () => {
    const { records, next, highWatermark } = await recorder.poll(process, client, ref, position, POLL);
    expect(records.map(([offset]) => offset)).toEqual(records.map((_, i) => position + i));
    position = next;
    return position === highWatermark;
  });
  return position;
}

/** Reads a partition at some brokers up to `end`: the replicas must agree. */
export async function readReplicas(
  cluster: ProcessCluster,
  recorder: HistoryRecorder,
  ref: PartitionRef,
  end: number,
  ids: readonly string[] = cluster.ids,
): Promise<void> {
  for (const id of ids) {
    const process = REPLICA_READER_BASE + cluster.ids.indexOf(id);
    const client = await cluster.client([id]);
    let position = 0;
    await until(`${id} serves ${keyOf(ref)} up to ${end}`, async () => {
      const options = { ...POLL, allowFollower: true };
      position = (await recorder.poll(process, client, ref, position, options)).next;
      return position >= end;
    });
  }
}
