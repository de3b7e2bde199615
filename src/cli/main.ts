/** The command line: all commands, and how a run ends. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { withClientFlags } from './client-command.js';
import { addBridgeCommand } from './commands/bridge.js';
import { addBrokerCommand } from './commands/broker.js';
import { addClusterCommand } from './commands/cluster.js';
import { addConsumeCommand } from './commands/consume.js';
import { addExplainCommand } from './commands/explain.js';
import { addFailoverCommand } from './commands/failover.js';
import { addFailoversCommand } from './commands/failovers.js';
import { addFetchCommand } from './commands/fetch.js';
import { addHealthCommand } from './commands/health.js';
import { addLeaderCommand } from './commands/leader.js';
import { addMetadataCommand } from './commands/metadata.js';
import { addOffsetsCommand } from './commands/offsets.js';
import { addProduceCommand } from './commands/produce.js';
import { addServeCommand } from './commands/serve.js';
import { addTopicCommand } from './commands/topic.js';
import { addTransferCommand } from './commands/transfer.js';
import { addUpCommand } from './commands/up.js';
import { addVerifyCommand } from './commands/verify.js';
import { addWatchCommand } from './commands/watch.js';
import { OutputClosedError, processIo } from './io.js';
import type { CliIo } from './io.js';
import { printError } from './output.js';

/** How a run of the program ends. */
export const EXIT_CODE = { done: 0, failed: 1, usage: 2 } as const;

/** Every command, in the order of the help. */
const COMMANDS: readonly ((program: Command, io: CliIo) => void)[] = [
  addUpCommand,
  addServeCommand,
  addBridgeCommand,
  addTopicCommand,
  addBrokerCommand,
  addLeaderCommand,
  addFailoverCommand,
  addTransferCommand,
  addFailoversCommand,
  addExplainCommand,
  addWatchCommand,
  addMetadataCommand,
  addClusterCommand,
  addHealthCommand,
  addProduceCommand,
  addConsumeCommand,
  addFetchCommand,
  addOffsetsCommand,
  addVerifyCommand,
];

/**
 * The program. Commands are added with `program.command()`, so that they inherit how it prints and
 * that it throws instead of ending the process.
 */
export function createProgram(io: CliIo = processIo()): Command {
  const program = new Command('bellwether')
    .description('A Kafka-like log whose partitions are led by brokers that Raft elects.')
    .version(packageVersion(), '--version', 'print the version')
    .enablePositionalOptions()
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text).catch(ignore),
      writeErr: (text) => void io.stderr.write(text).catch(ignore),
    })
    .exitOverride();
  withClientFlags(program);
  for (const add of COMMANDS) add(program, io);
  return program;
}

/** Runs the program with `args` (without node and script) and returns its exit code. Never throws. */
export async function main(args: readonly string[], io: CliIo = processIo()): Promise<number> {
  try {
    await createProgram(io).parseAsync([...args], { from: 'user' });
    return EXIT_CODE.done;
  } catch (error) {
    // Commander has printed its message already; it ends --help this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
    if (error instanceof OutputClosedError) return EXIT_CODE.done;
    await printError(io.stderr, error).catch(ignore);
    return EXIT_CODE.failed;
  }
}

/** As package.json has it, which lies in the same place in a clone and in an installed package. */
function packageVersion(): string {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  const text = readFileSync(new URL(`${root}package.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Nobody reads the output any more, and there is nobody else to tell. */
function ignore(): void {
  return undefined;
}
