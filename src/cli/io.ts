/** What a command talks to: standard streams and the environment, so that tests can stand in for them. */

/** A stream for text, or bytes as they are. */
export interface CliOutput {
  /** True when a person looks at it. */
  readonly isTty: boolean;
  /** Resolves once it is handed on. @throws OutputClosedError when nobody reads any more. */
  write(text: string | Uint8Array): Promise<void>;
}

/** The world as a command sees it. */
export interface CliIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Reads no more of stdin, which would keep the process from ending while it is open. */
  readonly closeStdin: () => void;
  /** Data only. */
  readonly stdout: CliOutput;
  /** Logs and errors. */
  readonly stderr: CliOutput;
  /** Handed on to src/config.ts, which alone knows what is in it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The reader of an output is gone, as `head` after its last line: no fault of anybody's. */
export class OutputClosedError extends Error {
  constructor() {
    super('the reader of the output is gone');
    this.name = 'OutputClosedError';
  }
}

/** The streams and the environment of this process. */
export function processIo(): CliIo {
  return {
    stdin: process.stdin,
    closeStdin: () => process.stdin.destroy(),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
  };
}

function outputOf(stream: NodeJS.WriteStream): CliOutput {
  stream.on('error', () => undefined); // Every write reports its own failure.
  return {
    isTty: stream.isTTY,
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => {
          if (error === undefined || error === null) resolve();
          else reject('code' in error && error.code === 'EPIPE' ? new OutputClosedError() : error);
        });
      }),
  };
}
