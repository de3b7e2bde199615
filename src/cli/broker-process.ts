/** One broker as a process of its own: started, listened to, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long a broker may take to stop before it is killed. */
const STOP_GRACE_MS = 5_000;

/**
 * Starts `bellwether` with `args`. Nothing is read of its stdout; `onLine` gets each line of stderr.
 *
 * @param detached - Put it in a process group of its own, which a Ctrl-C in the terminal does not reach.
 */
export function spawnBroker(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  onLine: (line: string) => void,
  detached = false,
): ChildProcess {
  const child = spawn(process.execPath, [launcher(), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env },
    detached,
  });
  splitLines(child, onLine);
  return child;
}

/** Asks a broker to stop, and kills it when it has not stopped in time. */
export async function stopBroker(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  // All end together: nobody is left to hand over to.
  child.kill('SIGINT');
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
  }, STOP_GRACE_MS);
  await ended;
  clearTimeout(timer);
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function launcher(): string {
  return fileURLToPath(new URL('../../../bin/bellwether', import.meta.url));
}

function splitLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
