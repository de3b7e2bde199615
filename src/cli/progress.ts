/** Waits for what goes on in the cluster, and shows on stderr how far it has come. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { integer } from './arguments.js';
import type { CliOutput } from './io.js';

/** Pause between two looks. */
const LOOK_MS = 200;

const TIMEOUT_DEFAULT_S = 600;
const TIMEOUT_MAX_S = 86_400;

/** The flags of a command that waits, as commander gives them. */
export interface WaitFlags {
  readonly wait: boolean;
  readonly timeout?: number;
}

/** What one look at the cluster found. */
export interface Look {
  readonly done: boolean;
  /** How far it is, in a few words. */
  readonly text: string;
}

/** The time to wait is over, and the cluster goes on by itself. */
export class UnfinishedError extends Error {
  constructor(timeoutS: number, text: string, showing: string) {
    super(
      `not done after ${timeoutS} s: ${text}\n` +
        `  It goes on in the background; "${showing}" shows how far it is. Nothing has to be repeated.`,
    );
    this.name = 'UnfinishedError';
  }
}

export function withWaitFlags(command: Command): Command {
  return command
    .option('--no-wait', 'return as soon as it is decided, and let it go on in the background')
    .option(
      '--timeout <s>',
      `seconds to wait: 1 to ${TIMEOUT_MAX_S} (default ${TIMEOUT_DEFAULT_S})`,
      integer(1, TIMEOUT_MAX_S),
    );
}

/**
 * Looks again and again until it is done; shows each new text, in a terminal always on the same line.
 *
 * @param showing - The command that shows later how far it is.
 * @throws UnfinishedError after the time of `--timeout`.
 */
export async function untilDone(
  err: CliOutput,
  { timeout = TIMEOUT_DEFAULT_S }: WaitFlags,
  showing: string,
  look: () => Promise<Look>,
): Promise<void> {
  const deadlineMs = performance.now() + timeout * 1000;
  let shown = '';
  try {
    for (;;) {
      const { done, text } = await look();
      if (text !== shown) await err.write(err.isTty ? `\r\u001b[K${text}` : `${text}\n`);
      shown = text;
      if (done) return;
      if (performance.now() + LOOK_MS >= deadlineMs) throw new UnfinishedError(timeout, text, showing);
      await pause(LOOK_MS);
    }
  } finally {
    if (err.isTty && shown !== '') await err.write('\n');
  }
}
