/** `bellwether watch`: every change of leadership, one line each, as it comes. */
import type { Command } from 'commander';
import type { LeadershipChange } from '../../client/index.js';
import { integer, nonEmpty } from '../arguments.js';
import { withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { CliIo } from '../io.js';
import { changeDocument, changeRow } from '../leadership-report.js';
import { changeSentence, firstWriteSentence, timeText } from '../leadership-words.js';
import { tabSeparated } from '../output.js';
import { stopSignal } from '../stop-signal.js';

/** Changes that may be waited for. */
const COUNT_MAX = 1_000_000;

interface WatchFlags {
  readonly topic?: readonly string[];
  readonly after?: number;
  readonly count?: number;
}

export function addWatchCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('watch'))
    .description(
      'Show every change of leadership as it comes, until Ctrl-C; one line, or JSON document, each.',
    )
    .option('--topic <name>', 'only this topic; may be given more than once (default: all)', oneMore)
    .option(
      '--after <sequence>',
      'begin behind this change of the history (default: with what comes next)',
      integer(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--count <n>', `changes to show: 1 to ${COUNT_MAX} (default: no limit)`, integer(1, COUNT_MAX))
    .action((flags: WatchFlags, command: Command) =>
      withClient(io, command, (context) => untilStopped((signal) => watch(context, flags, signal))),
    );
}

function oneMore(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, nonEmpty(text)];
}

/** Ctrl-C is how a watch ends in order. */
async function untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = stopSignal();
  const abort = new AbortController();
  void stop.received.then(() => abort.abort());
  try {
    await work(abort.signal);
  } finally {
    stop.dispose();
  }
}

async function watch(context: Context, flags: WatchFlags, signal: AbortSignal): Promise<void> {
  const { io, client } = context;
  let remaining = flags.count ?? Number.POSITIVE_INFINITY;
  let last = 0;
  const changes = client.watchLeadership({
    topics: flags.topic,
    afterSequence: flags.after,
    signal,
    onStart: (sequence, lastSequence) =>
      void io.stderr.write(startText(sequence, lastSequence)).catch(() => undefined),
  });
  for await (const change of changes) {
    const isNew = change.sequence > last;
    await io.stdout.write(lineOf(context, change, isNew));
    if (!isNew) continue;
    last = change.sequence;
    remaining -= 1;
    if (remaining === 0) return;
  }
}

/** Where the watch begins. Ahead of the history it is silent for long, which nobody shall take for peace. */
function startText(sequence: number, lastSequence = sequence): string {
  const text = `watching, after sequence ${sequence}`;
  if (lastSequence >= sequence) return `${text}\n`;
  const newest =
    lastSequence === 0 ? 'there is no change yet' : `the newest change so far is ${lastSequence}`;
  return `${text}: ${newest}, and nothing is shown until ${sequence + 1}\n`;
}

/** The second line about a change tells its first write; programs get the whole change again. */
function lineOf({ io, format }: Context, change: LeadershipChange, isNew: boolean): string {
  if (format === 'json') return `${JSON.stringify(changeDocument(change))}\n`;
  if (!io.stdout.isTty) return tabSeparated([change.sequence, ...changeRow(change)]);
  return `${timeText(change)}  ${isNew ? changeSentence(change) : firstWriteSentence(change)}\n`;
}
