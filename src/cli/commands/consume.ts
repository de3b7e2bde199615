/** `bellwether consume TOPIC`: prints records as they come, with the habits of kcat. */
import type { Command } from 'commander';
import type { ConsumedRecord } from '../../client/index.js';
import { integer } from '../arguments.js';
import { type Context, INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import { delimiter } from '../escapes.js';
import { type CliIo, OutputClosedError } from '../io.js';
import { jsonBytes } from '../output.js';
import { type Reading, readPartitions } from '../partition-readers.js';
import { extentOf, type Position, positionFlag } from '../positions.js';
import { type RecordFormat, recordFormat } from '../record-format.js';
import { counted, StatusLine } from '../status-line.js';
import { stopSignal } from '../stop-signal.js';

const COUNT_MAX = 1_000_000_000_000;

interface Flags {
  readonly partition?: number;
  readonly offset: Position;
  readonly count?: number;
  readonly exit?: true;
  readonly format?: string;
  readonly json?: true;
  readonly keyDelimiter?: Uint8Array;
  readonly nullText?: true;
  readonly quiet?: true;
}

export function addConsumeCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('consume'))
    .description(
      'Print committed records as they come, until Ctrl-C. Without a format each is its value and a line end.',
    )
    .argument('<topic>', 'name of the topic')
    .option('-p, --partition <n>', 'read this partition only (default: all)', integer(0, INT32_MAX))
    .option(
      '-o, --offset <where>',
      'begin at "beginning", "end", an offset, -N: the last N of each partition, or @TIME: the first since then',
      positionFlag,
      'beginning' as const,
    )
    .option('-c, --count <n>', 'end after so many records', integer(1, COUNT_MAX))
    .option('-e, --exit', 'end where the partitions ended when it began')
    .option(
      '-f, --format <format>',
      '%t topic, %p partition, %o offset, %k key, %s value, %K %S their lengths, %T timestamp, %h headers, \\n \\t \\xHH',
    )
    .option('-J, --json', 'one JSON document for each record, a line each; the same as --output json')
    .option(
      '-K, --key-delimiter <c>',
      'print the key and this before the value; \\t \\n \\0 \\xHH as in -f',
      delimiter,
    )
    .option('-Z, --null-text', 'print NULL for a key or value that is null (default: nothing)')
    .option('-q, --quiet', 'say nothing on stderr')
    .action((topic: string, flags: Flags, command: Command) => {
      const formats = [flags.format, flags.json, flags.keyDelimiter].filter((flag) => flag !== undefined);
      if (formats.length > 1) command.error('error: --format, --json and --key-delimiter exclude each other');
      const format = compiled(flags, command);
      return withClient(io, command, (context) => consume(context, topic, flags, format));
    });
}

async function consume(context: Context, topic: string, flags: Flags, format: RecordFormat): Promise<void> {
  const { io, client } = context;
  const print = flags.json === true || context.format === 'json' ? jsonLine : format;
  const stop = new AbortController();
  const signal = stopSignal();
  void signal.received.then(() => stop.abort());
  const status = new StatusLine(io.stderr);
  let [records, bytes] = [0, 0];
  const summary = (): string => `${counted(records, 'record')} (${counted(bytes, 'byte')})`;
  const take = async (partition: number, batch: readonly ConsumedRecord[]): Promise<void> => {
    const text = Buffer.concat(batch.map((record) => print({ topic, partition, record })));
    await io.stdout.write(text);
    records += batch.length;
    bytes += batch.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
    // On a terminal the records themselves show how far it is.
    if (!io.stdout.isTty) status.show(`${summary()} so far`);
  };
  try {
    const readings = await begin(context, topic, flags);
    const wanted = (): number => (flags.count ?? Number.POSITIVE_INFINITY) - records;
    const reading = readPartitions({ client, readings, wanted, take, signal: stop.signal });
    reading.catch(() => undefined);
    await Promise.race([reading, signal.received]);
  } catch (error) {
    if (error instanceof OutputClosedError) throw error;
    await conclude(`${summary()} consumed before it failed`);
    throw error;
  } finally {
    stop.abort();
    signal.dispose();
    await status.clear();
  }
  await conclude(`${summary()} consumed`);

  async function conclude(text: string): Promise<void> {
    await status.clear();
    if (flags.quiet !== true) await io.stderr.write(`${text}\n`);
  }
}

/** Every partition to read, with where to begin and end. */
async function begin({ client }: Context, topic: string, flags: Flags): Promise<Reading[]> {
  const numbers =
    flags.partition === undefined
      ? (await client.admin.describeTopic(topic)).partitions.map(({ partition }) => partition)
      : [flags.partition];
  const readings: Reading[] = [];
  for (const partition of numbers) {
    const ref = { topic, partition };
    const { start, end } = await extentOf(client, ref, flags.offset);
    readings.push({ ref, position: start, end: flags.exit === true ? end : undefined });
  }
  return readings;
}

/** The format of the flags; a key delimiter is a short way to write one. */
function compiled({ format = '%s\\n', keyDelimiter, nullText }: Flags, command: Command): RecordFormat {
  const none = nullText === true ? 'NULL' : '';
  try {
    if (keyDelimiter === undefined) return recordFormat(format, none);
    const [key, value] = [recordFormat('%k', none), recordFormat('%s\\n', none)];
    return (printed) => Buffer.concat([key(printed), keyDelimiter, value(printed)]);
  } catch (error) {
    return command.error(
      `error: option '-f, --format <format>': ${error instanceof Error ? error.message : ''}`,
    );
  }
}

/** The envelope of kcat -J; bytes that are no UTF-8 are an object with their base64. */
const jsonLine: RecordFormat = ({ topic, partition, record }) => {
  const { offset, timestampMs, headers, key, value } = record;
  const document = {
    topic,
    partition,
    offset,
    tstype: 'create',
    ts: timestampMs,
    ...(headers.length > 0 && { headers: headers.flatMap((each) => [each.key, jsonBytes(each.value)]) }),
    key: jsonBytes(key),
    payload: jsonBytes(value),
  };
  return Buffer.from(`${JSON.stringify(document)}\n`);
};
