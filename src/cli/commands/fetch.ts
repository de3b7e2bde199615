/** `bellwether fetch TOPIC PARTITION`: reads records. */
import type { Command } from 'commander';
import type { ConsumedRecord, FetchResult } from '../../client/index.js';
import { integer, offsetOrPosition } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { CliIo } from '../io.js';
import { jsonBytes, tabSeparated, textBytes } from '../output.js';
import type { Cell } from '../output.js';

/** Records read when neither --count nor --follow says otherwise. */
const COUNT_DEFAULT = 500;

/** Records that may be asked for: without --follow all of them are held in memory. */
const COUNT_MAX = 1_000_000;

/** Records asked for in one call: as many as brokers allow, as whole batches come. */
const FETCH_RECORDS_MAX = 10_000;

/** Longest wait of one call for a first record, in milliseconds, with --follow. */
const FOLLOW_WAIT_MS = 1000;

interface FetchFlags {
  readonly offset: number | 'earliest' | 'latest';
  readonly count?: number;
  readonly follow?: true;
}

export function addFetchCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('fetch'))
    .description('Read committed records. Lines have offset, key and value; with --output json all fields.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .option(
      '--offset <n>',
      'first offset to read, or "earliest" or "latest"; earliest is where the partition begins',
      offsetOrPosition,
      'earliest' as const,
    )
    .option(
      '--count <n>',
      `records to read at most: 1 to ${COUNT_MAX} (default ${COUNT_DEFAULT}, with --follow no limit)`,
      integer(1, COUNT_MAX),
    )
    .option('--follow', 'go on reading what is appended; with --output json one document a line')
    .action((topic: string, partition: number, flags: FetchFlags, command: Command) =>
      withClient(io, command, (context) => {
        const read = flags.follow === true ? follow : readOnce;
        return read(context, { topic, partition }, flags);
      }),
    );
}

type Reader = (
  context: Context,
  ref: { readonly topic: string; readonly partition: number },
  flags: FetchFlags,
) => Promise<void>;

/** Reads to the high watermark, or `count` records, and prints them together. */
const readOnce: Reader = async ({ client, print }, ref, { offset, count = COUNT_DEFAULT }) => {
  const records: ConsumedRecord[] = [];
  let nextOffset = await firstOffset(client, ref, offset);
  for (;;) {
    const result = await fetchUpTo(client, ref, nextOffset, count - records.length, 0);
    records.push(...result.records);
    nextOffset = result.nextOffset;
    if (result.records.length > 0 && records.length < count) continue;
    const document = {
      records: records.map(recordDocument),
      high_watermark: result.highWatermark,
      log_start_offset: result.logStartOffset,
      next_offset: nextOffset,
    };
    const rows = records.map(recordRow);
    return print({ document, sections: [{ name: 'record', head: ['offset', 'key', 'value'], rows }] });
  }
};

/** Prints records as they come, until `count` of them, or until the reader of the output goes away. */
const follow: Reader = async ({ io, client, format }, ref, { offset, count = Number.POSITIVE_INFINITY }) => {
  let nextOffset = await firstOffset(client, ref, offset);
  let remaining = count;
  while (remaining > 0) {
    const result = await fetchUpTo(client, ref, nextOffset, remaining, FOLLOW_WAIT_MS);
    const lines = result.records.map((record) =>
      format === 'json' ? `${JSON.stringify(recordDocument(record))}\n` : tabSeparated(recordRow(record)),
    );
    if (lines.length > 0) await io.stdout.write(lines.join(''));
    nextOffset = result.nextOffset;
    remaining -= lines.length;
  }
};

/** The next records, `wanted` at most. Each batch is read once: only the last one of all is cut. */
async function fetchUpTo(
  client: Context['client'],
  ref: Parameters<Reader>[1],
  offset: number,
  wanted: number,
  maxWaitMs: number,
): Promise<FetchResult> {
  const maxRecords = Math.min(FETCH_RECORDS_MAX, wanted);
  const result = await client.fetch(ref, offset, { maxRecords, maxWaitMs, wholeBatches: true });
  const records = result.records.slice(0, wanted);
  const last = records.at(-1);
  if (last === undefined || records.length === result.records.length) return result;
  return { ...result, records, nextOffset: last.offset + 1 };
}

async function firstOffset(
  client: Context['client'],
  ref: Parameters<Reader>[1],
  offset: FetchFlags['offset'],
): Promise<number> {
  return typeof offset === 'number' ? offset : (await client.listOffsets(ref, offset)).offset;
}

function recordDocument({ offset, key, value, headers, timestampMs }: ConsumedRecord) {
  return {
    offset,
    key: jsonBytes(key),
    value: jsonBytes(value),
    headers: headers.map((header) => ({ key: header.key, value: jsonBytes(header.value) })),
    timestamp_ms: timestampMs,
  };
}

function recordRow({ offset, key, value }: ConsumedRecord): readonly Cell[] {
  return [offset, textBytes(key), textBytes(value)];
}
