/** `bellwether offsets list|reset`: how far a consumer group has come, and where it goes on. */
import type { Command } from 'commander';
import type { BellwetherClient, PartitionRef, StoredOffset } from '../../client/index.js';
import { BellwetherError } from '../../errors.js';
import { integer, type Moment, offsetOrMoment } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { CliIo } from '../io.js';
import { inBatches } from '../in-batches.js';
import { offsetOutOfRange } from '../offset-error.js';

/** Partitions that one call of FetchOffsets names. */
const PARTITIONS_A_CALL = 1_000;

/** Partitions that are asked for their bounds at the same time. */
const BOUNDS_AT_ONCE = 32;

interface ListFlags {
  readonly topic?: string;
}

interface ResetFlags {
  readonly topic: string;
  readonly partition?: number;
  readonly to: number | 'earliest' | 'latest' | Moment;
  readonly dryRun?: true;
}

export function addOffsetsCommand(program: Command, io: CliIo): void {
  const offsets = program
    .command('offsets')
    .description('Show and reset the committed offsets of consumer groups.');
  withClientFlags(offsets.command('list'))
    .description('Show what a consumer group has committed, and how far it lags behind.')
    .argument('<group>', 'name of the consumer group')
    .option('--topic <topic>', 'only the partitions of this topic (default: of all)')
    .action((group: string, { topic }: ListFlags, command: Command) =>
      withClient(io, command, (context) => list(context, group, topic)),
    );
  withClientFlags(offsets.command('reset'))
    .description('Set where a consumer group goes on, and fence the member that reads now.')
    .argument('<group>', 'name of the consumer group')
    .requiredOption('--topic <topic>', 'name of the topic')
    .option('--partition <n>', 'only this partition (default: all)', integer(0, INT32_MAX))
    .requiredOption(
      '--to <earliest|latest|n|@time>',
      'the next offset that the group will read; @ and a time: the first record since then',
      offsetOrMoment,
    )
    .option('--dry-run', 'show what would be set, and set nothing')
    .action((group: string, flags: ResetFlags, command: Command) =>
      withClient(io, command, (context) => reset(context, group, flags)),
    );
}

async function list({ io, client, print }: Context, group: string, topic: string | undefined): Promise<void> {
  const stored = await storedOffsets(client, group, await partitionsOf(client, topic));
  const offsets = await inBatches(stored, BOUNDS_AT_ONCE, async (each) => {
    const { logStart, highWatermark } = await boundsOf(client, each);
    return {
      topic: each.topic,
      partition: each.partition,
      committed_offset: each.offset,
      log_start_offset: logStart,
      high_watermark: highWatermark,
      lag: Math.max(0, highWatermark - each.offset),
      generation: each.generation ?? null,
      committed_at: new Date(each.committedAtMs).toISOString(),
    };
  });
  const rows = offsets.map((each) => Object.values(each).map((value) => value ?? undefined));
  await print({
    document: { group, offsets },
    sections: [{ name: 'offset', head: LIST_HEAD, rows }],
    prose: offsets.length === 0 ? '' : undefined,
  });
  // On stderr: in a pipe, and for a terminal in place of an empty table, that is all there is to see.
  if (offsets.length === 0)
    await io.stderr.write(
      `group ${group} has no committed offsets${topic === undefined ? '' : ` in ${topic}`}\n`,
    );
}

const LIST_HEAD = [
  'topic',
  'partition',
  'committed_offset',
  'log_start_offset',
  'high_watermark',
  'lag',
  'generation',
  'committed_at',
] as const;

/**
 * Each partition is claimed with the next generation, so of two resets at the same time one wins, and the
 * member that reads now is refused from then on. A group that counts no generations cannot be fenced: it would
 * be locked out for ever.
 */
async function reset({ io, client, print }: Context, group: string, flags: ResetFlags): Promise<void> {
  const { topic, partition, to, dryRun = false } = flags;
  const refs = (await partitionsOf(client, topic)).filter((ref) =>
    [ref.partition, undefined].includes(partition),
  );
  if (refs.length === 0) throw unknownPartition(topic, partition);
  const stored = new Map((await storedOffsets(client, group, refs)).map((each) => [each.partition, each]));
  const planned = await inBatches(refs, BOUNDS_AT_ONCE, async (ref) => {
    const { offset: from, generation: before } = stored.get(ref.partition) ?? {};
    const generation = before === undefined ? undefined : before + 1;
    return { ...ref, from, offset: await targetOf(client, ref, to), generation };
  });
  if (planned.some(({ from, generation }) => from !== undefined && generation === undefined)) {
    await io.stderr.write(
      `${group} counts no generations in ${topic}: stop its members first, or they may set the offsets back\n`,
    );
  }
  for (const [generation, offsets] of dryRun ? [] : byGeneration(planned)) {
    await client.commitOffsets(group, offsets, { generation, claim: generation !== undefined });
  }
  const offsets = planned.map((each) => ({
    topic: each.topic,
    partition: each.partition,
    before: each.from ?? null,
    committed_offset: each.offset,
    generation: each.generation ?? null,
  }));
  const rows = offsets.map((each) => Object.values(each).map((value) => value ?? undefined));
  const head = ['topic', 'partition', 'before', 'committed_offset', 'generation'];
  await print({ document: { group, dry_run: dryRun, offsets }, sections: [{ name: 'offset', head, rows }] });
}

/** One call for all partitions that get the same generation, split as a call allows. */
function byGeneration<P extends { readonly generation: number | undefined }>(
  planned: readonly P[],
): [number | undefined, P[]][] {
  const calls: [number | undefined, P[]][] = [];
  for (const each of planned) {
    const open = calls.find(
      ([generation, ps]) => generation === each.generation && ps.length < PARTITIONS_A_CALL,
    );
    if (open === undefined) calls.push([each.generation, [each]]);
    else open[1].push(each);
  }
  return calls;
}

async function partitionsOf(client: BellwetherClient, topic: string | undefined): Promise<PartitionRef[]> {
  const topics =
    topic === undefined ? (await client.metadata()).topics : [await client.admin.describeTopic(topic)];
  return topics.flatMap((each) => each.partitions.map(({ partition }) => ({ topic: each.topic, partition })));
}

async function storedOffsets(
  client: BellwetherClient,
  group: string,
  refs: readonly PartitionRef[],
): Promise<StoredOffset[]> {
  const found: StoredOffset[] = [];
  for (let start = 0; start < refs.length; start += PARTITIONS_A_CALL) {
    found.push(...(await client.fetchOffsets(group, refs.slice(start, start + PARTITIONS_A_CALL))));
  }
  return found;
}

async function boundsOf(client: BellwetherClient, ref: PartitionRef) {
  const [earliest, latest] = await Promise.all([
    client.listOffsets(ref, 'earliest'),
    client.listOffsets(ref, 'latest'),
  ]);
  return { logStart: earliest.offset, highWatermark: latest.offset };
}

/** @throws BellwetherError OFFSET_OUT_OF_RANGE for an offset at which nobody can read on. */
async function targetOf(client: BellwetherClient, ref: PartitionRef, to: ResetFlags['to']): Promise<number> {
  if (typeof to !== 'number') return (await client.listOffsets(ref, to)).offset;
  const bounds = await boundsOf(client, ref);
  if (to >= bounds.logStart && to <= bounds.highWatermark) return to;
  throw offsetOutOfRange(ref, to, bounds, '; nothing was reset');
}

function unknownPartition(topic: string, partition: number | undefined): BellwetherError {
  const name = `${topic}/${partition ?? ''}`;
  return new BellwetherError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${name}`, {
    metadata: { topic, partition: String(partition ?? '') },
  });
}
