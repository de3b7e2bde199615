/** One run of verify from its topic to its verdict: write, read, break, mend, read all back, judge. */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../client/connect.js';
import type { BellwetherClient, PartitionRef } from '../client/types.js';
import { callWriter, producerWriter, reader } from './drive.js';
import { countFailovers } from './failover-count.js';
import { readReplica, readToEnd } from './read-back.js';
import { Recorder } from './recorder.js';
import { type Breakable, type Fault, torment } from './torment.js';
import { RECORDS_MAX, RECORDS_PER_PARTITION_MAX } from './limits.js';
import { judge, type Verdict } from './verdict.js';
import { CALL_TIMEOUT_MS as WORK_TIMEOUT_MS, Workload } from './workload.js';

/** Bound of a call that prepares or ends the run, in milliseconds. */
const CALL_TIMEOUT_MS = 15_000;
/** How often progress is told, in milliseconds. */
const PROGRESS_MS = 500;

export interface VerifyOptions {
  /** HOST:PORT of each broker to begin with. */
  readonly brokers: readonly string[];
  readonly partitions: number;
  readonly seconds: number;
  /** Records in a second, over all partitions. */
  readonly rate: number;
  readonly recordBytes: number;
  readonly torment?: {
    readonly cluster: Breakable;
    readonly faults: readonly Fault[];
    readonly everyMs: number;
  };
  /** Ends the writing before its time; what is written then is read back and judged all the same. */
  readonly stop: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** How far a run is. */
export interface Progress {
  readonly phase: 'writing' | 'reading back' | 'judging';
  readonly elapsedS: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly failovers: number;
  readonly faults: number;
  /** What is broken now, such as "kill n2". */
  readonly broken: string | undefined;
}

/**
 * Runs to the verdict. The topic is its own, and deleted when all is well; else it is left to be looked at.
 *
 * @throws BellwetherError when the topic cannot be made, or the client has a defect.
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const clients: BellwetherClient[] = [];
  const open = async (brokers: readonly string[]): Promise<BellwetherClient> => {
    const client = await connect({ brokers, timeoutMs: CALL_TIMEOUT_MS });
    clients.push(client);
    return client;
  };
  try {
    return await run(options, open);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

type Open = (brokers: readonly string[]) => Promise<BellwetherClient>;

async function run(options: VerifyOptions, open: Open): Promise<Verdict> {
  const { brokers, partitions, rate, recordBytes } = options;
  const observer = await open(brokers);
  const topic = `verify-${Date.now().toString(36)}-${Math.floor(Math.random() * 36 ** 4).toString(36)}`;
  const { partitions: made } = await observer.admin.createTopic(topic, { partitions });
  const recorder = new Recorder(topic, partitions, recordBytes);
  for (const { ref } of recorder.partitions) await observer.partitionLeader(ref);
  const followerReaders = await Promise.all(
    recorder.partitions.map(async ({ ref }) => reader(await open(rotated(brokers, ref.partition)))),
  );
  const failovers = countFailovers(observer, topic);
  const startedMs = performance.now();
  const workload = new Workload({
    recorder,
    writers: [
      callWriter(await open(brokers), WORK_TIMEOUT_MS),
      producerWriter(await open(brokers), WORK_TIMEOUT_MS),
    ],
    readers: reader(await open(brokers)),
    followerReaders,
    rate,
    recordsMax: Math.min(RECORDS_MAX, RECORDS_PER_PARTITION_MAX * partitions),
  });
  const faults: Partial<Record<Fault, number>> = {};
  const state: { phase: Progress['phase']; broken: string | undefined } = {
    phase: 'writing',
    broken: undefined,
  };
  const tell = (): void =>
    options.onProgress?.({
      ...state,
      elapsedS: (performance.now() - startedMs) / 1000,
      acknowledged: recorder.counts.ok,
      unknown: recorder.counts.unknown,
      failovers: failovers.count,
      faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
    });
  const telling = setInterval(tell, PROGRESS_MS);
  try {
    const endedEarly = await drive(options, workload, (now) => {
      if (now !== undefined) faults[now.fault] = (faults[now.fault] ?? 0) + 1;
      state.broken = now === undefined ? undefined : `${now.fault} ${now.broker}`;
      tell();
    });
    const drivenS = (performance.now() - startedMs) / 1000;
    state.phase = 'reading back';
    tell();
    const reading = await readBack(options, open, recorder, made);
    await failovers.stop();
    state.phase = 'judging';
    tell();
    const seen = { topic, drivenS, endedEarly, faults, failovers: failovers.count };
    const verdict = judge(recorder, { ...seen, ...reading });
    if (verdict.ok) await observer.admin.deleteTopic(topic);
    return verdict;
  } finally {
    clearInterval(telling);
    await failovers.stop();
  }
}

/** Lets the workload run for its time, broken on the way; true when it was told to end before. */
async function drive(
  { seconds, stop, torment: tormenting }: VerifyOptions,
  workload: Workload,
  onFault: Parameters<typeof torment>[0]['onFault'],
): Promise<boolean> {
  const over = new AbortController();
  const either = AbortSignal.any([over.signal, stop]);
  const isTold = (): boolean => stop.aborted;
  const broken =
    tormenting === undefined ? Promise.resolve() : torment({ ...tormenting, onFault, signal: either });
  const brokenDown = broken.then(() => new Promise<never>(() => undefined));
  brokenDown.catch(() => undefined);
  try {
    const time = pause(seconds * 1000, undefined, { signal: either }).catch(() => undefined);
    await Promise.race([time, workload.failed, brokenDown]);
    const endedEarly = isTold();
    over.abort();
    await broken;
    await tormenting?.cluster.whole(MEND_MAX_MS);
    return endedEarly;
  } finally {
    over.abort();
    await broken.catch(() => undefined);
    await workload.stop();
  }
}

/** How long the cluster may take to be whole again before it is read all the same, in milliseconds. */
const MEND_MAX_MS = 15_000;

async function readBack(
  { brokers }: VerifyOptions,
  open: Open,
  recorder: Recorder,
  made: readonly { readonly partition: number; readonly replicas: readonly string[] }[],
): Promise<Pick<Verdict, 'replicasRead' | 'unreadable' | 'brokersDown'>> {
  const client = await open(brokers);
  const known = (await client.metadata()).brokers;
  const ends = new Map<PartitionRef, number>();
  const unreadable: string[] = [];
  for (const { ref } of recorder.partitions) {
    const end = await readToEnd(recorder, reader(client), ref);
    if (end === undefined) unreadable.push(`${ref.topic}/${ref.partition}`);
    else ends.set(ref, end);
  }
  let replicasRead = 0;
  for (const [number, { id, address, alive }] of known.entries()) {
    if (!alive) continue;
    // A client of this broker alone, which never asks who leads: all its reads go there.
    const replica = reader(await open([address]));
    for (const [ref, end] of ends) {
      if (made[ref.partition]?.replicas.includes(id) !== true) continue;
      if (await readReplica(recorder, replica, ref, end, number)) replicasRead += 1;
      else unreadable.push(`${ref.topic}/${ref.partition} at ${id}`);
    }
  }
  const brokersDown = known.filter(({ alive }) => !alive).map(({ id }) => id);
  return { replicasRead, unreadable, brokersDown };
}

/** The same list beginning elsewhere, so that readers of followers begin at different brokers. */
function rotated(brokers: readonly string[], by: number): readonly string[] {
  const at = by % brokers.length;
  return [...brokers.slice(at), ...brokers.slice(0, at)];
}
