/** Runs the command line in this process, with its streams in memory. */
import { OutputClosedError } from '../../src/cli/io.js';
import type { CliOutput } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';

/** How a run ended and what it printed. */
export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run finds around it. */
export interface Surroundings {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTty?: boolean;
  /** Bytes that the reader of stdout takes before it goes away. */
  readonly stdoutCharsMax?: number;
  /** Gets what is written to stdout, which need not be text. */
  readonly onStdout?: (bytes: Uint8Array) => void;
}

/** A stream that gives `chunks` and ends. */
export async function* input(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

export async function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Run> {
  const { stdin = input(), env = {}, isTty = false, stdoutCharsMax = Infinity, onStdout } = surroundings;
  const stdout = memory(isTty, stdoutCharsMax, onStdout);
  const stderr = memory(false, Infinity);
  const exitCode = await main(args, { stdin, closeStdin: () => undefined, stdout, stderr, env });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function memory(
  isTty: boolean,
  charsMax: number,
  onWrite: (bytes: Uint8Array) => void = () => undefined,
): CliOutput & { text(): string } {
  let text = '';
  return {
    isTty,
    write: async (given) => {
      const bytes = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given);
      if (text.length + bytes.toString().length > charsMax) throw new OutputClosedError();
      text += bytes.toString();
      onWrite(bytes);
    },
    text: () => text,
  };
}
