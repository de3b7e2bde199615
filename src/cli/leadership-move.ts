/** What commands that move leadership share: their flags, and how they print what came of it. */
import type { Command } from 'commander';
import type { LeadershipTimeline } from '../client/index.js';
import { integer } from './arguments.js';
import { INT32_MAX } from './client-command.js';
import type { Context } from './client-command.js';
import { tenths, timelineDocument } from './leadership-report.js';

/** Longest hand-over that may be asked for, in milliseconds. */
const MAX_BLOCK_MAX_MS = 10_000;

/** The shared flags, as commander gives them. */
export interface MoveFlags {
  readonly expectedTerm?: number;
  readonly maxBlockMs?: number;
}

export function withMoveFlags(command: Command): Command {
  return command
    .option('--expected-term <n>', 'do nothing unless this is the current term', integer(0, INT32_MAX))
    .option(
      '--max-block-ms <ms>',
      `longest time for which a live leader refuses writes: 1 to ${MAX_BLOCK_MAX_MS} (default 1000)`,
      integer(1, MAX_BLOCK_MAX_MS),
    );
}

/** Prints the answer, and where the time went; `prose` is what a terminal shows instead. */
export function printMove(
  { print }: Context,
  answer: Readonly<Record<string, string | number>>,
  timeline: LeadershipTimeline | undefined,
  prose?: string,
): Promise<void> {
  const { detectMs, electMs, commitMs, blockedMs } = timeline ?? {};
  const head = [...Object.keys(answer), 'detect_ms', 'elect_ms', 'commit_ms', 'blocked_ms'];
  const row = [...Object.values(answer), ...[detectMs, electMs, commitMs, blockedMs].map(tenths)];
  return print({
    document: { ...answer, timeline: timelineDocument(timeline) },
    sections: [{ name: 'move', head, rows: [row] }],
    prose,
  });
}
