/** What every command that talks to a cluster shares: its flags, and a client that is closed again. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { connect } from '../client/index.js';
import type { BellwetherClient, RetryListener } from '../client/index.js';
import { addressProblem, bootstrapBrokers, DEFAULT_BOOTSTRAP } from '../config.js';
import { addresses, integer } from './arguments.js';
import type { CliIo, CliOutput } from './io.js';
import { FORMATS, print } from './output.js';
import type { Format, Report } from './output.js';

const TIMEOUT_DEFAULT_MS = 10_000;
const TIMEOUT_MAX_MS = 3_600_000;

/** After so long in vain, in milliseconds, a command says what it waits for. */
const WAIT_TOLD_MS = 1_000;

/** The greatest int32: partitions and terms. */
export const INT32_MAX = 2_147_483_647;

/** The flags that every such command takes, as commander gives them. */
interface ClientFlags {
  readonly bootstrap?: readonly string[];
  readonly timeoutMs?: number;
  readonly output?: Format;
  /** Of the commands that have it. */
  readonly quiet?: true;
}

/** A command at work. */
export interface Context {
  readonly io: CliIo;
  readonly client: BellwetherClient;
  /** Bound of each call in milliseconds, retries included. */
  readonly timeoutMs: number;
  readonly format: Format;
  readonly print: (report: Report) => Promise<void>;
}

/** Adds the shared flags. They may stand before the command's name or after it. */
export function withClientFlags(command: Command): Command {
  return command
    .option(
      '--bootstrap <host:port,...>',
      `brokers to ask first (env BELLWETHER_BOOTSTRAP, default ${DEFAULT_BOOTSTRAP})`,
      addresses,
    )
    .option(
      '--timeout-ms <ms>',
      `bound of each call, retries included: 1 to ${TIMEOUT_MAX_MS} (default ${TIMEOUT_DEFAULT_MS})`,
      integer(1, TIMEOUT_MAX_MS),
    )
    .addOption(new Option('--output <format>', 'form of the data (default table)').choices(FORMATS));
}

/** Runs `work` with a client for the flags of `command`, and closes the client however it ends. */
export async function withClient(
  io: CliIo,
  command: Command,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const flags = mergedFlags(command);
  const format = flags.output ?? 'table';
  const timeoutMs = flags.timeoutMs ?? TIMEOUT_DEFAULT_MS;
  const client = await connect({
    brokers: flags.bootstrap ?? bootstrapOfEnvironment(io, command),
    timeoutMs,
    ...(flags.quiet !== true && { onRetry: waitTold(io.stderr) }),
  });
  try {
    await work({ io, client, timeoutMs, format, print: (report) => print(io.stdout, format, report) });
  } finally {
    await client.close();
  }
}

/** Says once what has been in vain for a while: a cluster that is away is not waited for in silence. */
function waitTold(err: CliOutput): RetryListener {
  let isTold = false;
  return ({ reason, message }, elapsedMs) => {
    if (isTold || elapsedMs < WAIT_TOLD_MS) return;
    isTold = true;
    const text = `bellwether: waiting, in vain for ${(elapsedMs / 1000).toFixed(1)} s so far: ${reason}: ${message}\n`;
    // A terminal may show a status line, which this takes the place of.
    void err.write(err.isTty ? `\r\u001b[K${text}` : text).catch(() => undefined);
  };
}

/** The shared flags of a command that makes its own clients. */
export function bootstrapOf(
  io: CliIo,
  command: Command,
): { readonly brokers: readonly string[]; readonly format: Format } {
  const flags = mergedFlags(command);
  const brokers = flags.bootstrap ?? bootstrapOfEnvironment(io, command);
  return { brokers, format: flags.output ?? 'table' };
}

/** True when --bootstrap was said, before the command or behind it; the environment does not count. */
export function saysBootstrap(command: Command): boolean {
  return mergedFlags(command).bootstrap !== undefined;
}

/** Flags of the program, overridden by those of the command itself. */
function mergedFlags(command: Command): ClientFlags {
  let flags: ClientFlags = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    flags = { ...at.opts<ClientFlags>(), ...flags };
  }
  return flags;
}

/** @throws CommanderError that names the variable when it is not a list of HOST:PORT. */
function bootstrapOfEnvironment(io: CliIo, command: Command): readonly string[] {
  const brokers = bootstrapBrokers(undefined, io.env);
  const problem = brokers.map(addressProblem).find((text) => text !== undefined);
  if (problem === undefined) return brokers;
  return command.error(`error: environment variable BELLWETHER_BOOTSTRAP is invalid: ${problem}`);
}
