/** Owns the processes of another system: started, killed and started again by name, and ended with this one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Lines of each server's log that are kept for the case that something goes wrong. */
const LOG_LINES_KEPT = 20;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * A program that is installed: what to start, and its version. Debian puts servers where the PATH of a user does not
 * look.
 *
 * @param {string} name
 * @returns {{ readonly path: string, readonly version: string } | undefined}
 */
export function programOf(name) {
  for (const path of [name, `/usr/sbin/${name}`]) {
    const { status, stdout, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    const version = status === 0 ? /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0] : undefined;
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

export class ServerProcesses {
  #program;
  /** @type {Map<string, readonly string[]>} */
  #args;
  /** @type {Map<string, import('node:child_process').ChildProcess>} */
  #children = new Map();
  /** @type {string[]} */
  #log = [];

  /**
   * @param {string} program
   * @param {ReadonlyMap<string, readonly string[]>} args Of each server, by its name.
   */
  constructor(program, args) {
    this.#program = program;
    this.#args = new Map(args);
    for (const id of this.#args.keys()) this.launch(id);
  }

  /** @param {string} id Of a server that is not running. */
  launch(id) {
    const child = spawn(this.#program, [...(this.#args.get(id) ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.set(id, child);
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        this.#log.push(...text.trimEnd().split('\n'));
        this.#log.splice(0, this.#log.length - LOG_LINES_KEPT);
      });
    }
    child.once('exit', (code, signal) => {
      running.delete(child);
      if (this.#children.get(id) !== child) return;
      process.stderr.write(`bench: ${this.#program} ${id} ended by itself (${signal ?? code})\n`);
      process.stderr.write(`${this.#log.join('\n')}\n`);
      process.exit(1);
    });
  }

  /**
   * kill -9. The signal is sent when this returns; the promise resolves when the process is gone.
   *
   * @param {string} id
   * @returns {Promise<unknown>}
   */
  kill(id) {
    const child = this.#children.get(id);
    if (child === undefined) throw new Error(`${this.#program} ${id} is not running`);
    this.#children.delete(id);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    return gone;
  }

  /** Ends all of them. */
  async stop() {
    await Promise.all([...this.#children.keys()].map((id) => this.kill(id)));
  }
}
