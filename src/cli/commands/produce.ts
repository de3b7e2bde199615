/** `bellwether produce TOPIC`: appends the lines of stdin, one record a line. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { partitionForKey } from '../../client/index.js';
import type { Acks } from '../../client/index.js';
import { integer } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import { delimiter } from '../escapes.js';
import type { CliIo } from '../io.js';
import { lineBatches } from '../line-batches.js';
import type { Cell } from '../output.js';
import { RecordSender } from '../record-sender.js';
import type { Tally } from '../record-sender.js';
import { counted, StatusLine } from '../status-line.js';
import { stopSignal } from '../stop-signal.js';

interface ProduceFlags {
  readonly partition?: number;
  readonly keyDelimiter?: Uint8Array;
  readonly nullEmpty?: true;
  readonly quiet?: true;
  readonly acks: '0' | '1' | 'all';
}

export function addProduceCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('produce'))
    .description('Append the lines of stdin, one record a line, until its end or Ctrl-C.')
    .argument('<topic>', 'name of the topic')
    .option(
      '-p, --partition <n>',
      'partition to append to (default: by key; without a key in turns)',
      integer(0, INT32_MAX),
    )
    .option(
      '-K, --key-delimiter <c>',
      'what separates key and value; a line without it has no key; \\t \\n \\0 \\xHH as in consume -f (default: no keys)',
      delimiter,
    )
    .option('-Z, --null-empty', 'append an empty key or value as null')
    .option('-q, --quiet', 'say nothing on stderr')
    .addOption(
      new Option('--acks <acks>', 'wait for nothing, the disk of the leader, or a quorum')
        .choices(['0', '1', 'all'])
        .default('all'),
    )
    .action((topic: string, flags: ProduceFlags, command: Command) =>
      withClient(io, command, (context) => produceLines(context, topic, flags)),
    );
}

/** However it ends it says first what has been appended, and what became of the rest. */
async function produceLines(context: Context, topic: string, flags: ProduceFlags): Promise<void> {
  const { io, client, timeoutMs } = context;
  const acks: Acks = flags.acks === 'all' ? 'all' : flags.acks === '1' ? 1 : 0;
  const sender = new RecordSender(client, topic, { acks, deliveryTimeoutMs: timeoutMs });
  const status = new StatusLine(io.stderr);
  const stop = stopSignal();
  let isCut = false;
  const over = Promise.race([stop.received, sender.failed]).then(() => {
    isCut = true;
    io.closeStdin();
  });
  const tell = async (): Promise<void> => {
    await status.clear();
    if (sender.tallies.size > 0) await printTallies(context, topic, sender.tallies);
    if (flags.quiet !== true) await io.stderr.write(`${summary(sender)}\n`);
  };
  try {
    const assign = await assigner(context, topic, flags.partition);
    for await (const lines of lineBatches(untilStopped(io.stdin, over), () => isCut)) {
      for (const [partition, part] of assign(lines.map((line) => recordOf(line, flags)))) {
        await sender.send(partition, part);
        status.show(`${summary(sender)} so far`);
      }
    }
    await sender.end();
    if (sender.failure !== undefined) throw sender.failure;
  } catch (error) {
    await sender.end().catch(() => undefined);
    // Not even a closed output may hide why the rest was not appended.
    await tell().catch(() => undefined);
    throw error;
  } finally {
    stop.dispose();
  }
  await tell();
}

/** "12 records (345 bytes) appended", and what became of others. */
function summary({ counts }: RecordSender): string {
  const { appended, appendedBytes, unknown, notApplied } = counts;
  const parts = [`${counted(appended, 'record')} (${counted(appendedBytes, 'byte')}) appended`];
  if (unknown > 0) parts.push(`${unknown} of unknown outcome`);
  if (notApplied > 0) parts.push(`${notApplied} not appended`);
  return parts.join(', ');
}

/** The input up to its end, or to the signal: the whole lines that were read by then are still appended. */
async function* untilStopped(
  input: AsyncIterable<Uint8Array>,
  stopped: Promise<unknown>,
): AsyncGenerator<Uint8Array, void> {
  const chunks = input[Symbol.asyncIterator]();
  const over = stopped.then(() => undefined);
  for (;;) {
    const next = chunks.next();
    next.catch(() => undefined);
    const chunk = await Promise.race([next, over]);
    if (chunk === undefined || chunk.done === true) return;
    yield chunk.value;
  }
}

/** What a line of the input becomes. */
interface LineRecord {
  readonly key?: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
}

type Assign = (records: readonly LineRecord[]) => Map<number, LineRecord[]>;

/** Says to which partition each record of a batch goes. */
async function assigner({ client }: Context, topic: string, fixed: number | undefined): Promise<Assign> {
  if (fixed !== undefined) return (records) => new Map([[fixed, [...records]]]);
  const count = (await client.admin.describeTopic(topic)).partitions.length;
  let turn = -1;
  return (records) => {
    turn = (turn + 1) % count;
    const keyless = turn;
    const parts = new Map<number, LineRecord[]>();
    for (const record of records) {
      const partition = record.key === undefined ? keyless : partitionForKey(record.key, count);
      const part = parts.get(partition);
      if (part === undefined) parts.set(partition, [record]);
      else part.push(record);
    }
    return parts;
  };
}

function recordOf(line: Uint8Array, { keyDelimiter, nullEmpty }: ProduceFlags): LineRecord {
  const part = (bytes: Uint8Array): Uint8Array | undefined =>
    nullEmpty === true && bytes.length === 0 ? undefined : bytes;
  if (keyDelimiter === undefined) return { value: part(line) };
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const at = bytes.indexOf(keyDelimiter);
  if (at === -1) return { value: part(line) };
  return {
    key: part(line.subarray(0, at)),
    value: part(line.subarray(at + keyDelimiter.length)),
  };
}

function printTallies({ print }: Context, topic: string, tallies: ReadonlyMap<number, Tally>): Promise<void> {
  const partitions = [...tallies]
    .sort(([a], [b]) => a - b)
    .map(([partition, { recordCount, firstOffset, lastOffset, term }]) => ({
      partition,
      record_count: recordCount,
      first_offset: firstOffset,
      last_offset: lastOffset,
      term,
    }));
  const head = ['partition', 'record_count', 'first_offset', 'last_offset', 'term'];
  const rows: Cell[][] = partitions.map((partition) => Object.values(partition));
  const document = { topic, partitions };
  return print({ document, sections: [{ name: 'partition', head, rows }] });
}
