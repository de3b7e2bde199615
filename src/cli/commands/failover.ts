/** `bellwether failover TOPIC PARTITION`: moves leadership away from a broker. */
import type { Command } from 'commander';
import { integer, nonEmpty } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';

/** Longest hand-over that may be asked for, in milliseconds. */
const MAX_BLOCK_MAX_MS = 10_000;

interface FailoverFlags {
  readonly failedLeader: string;
  readonly expectedTerm?: number;
  readonly target?: string;
  readonly maxBlockMs?: number;
}

export function addFailoverCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('failover'))
    .description('Make another broker lead a partition; answers when it does.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .requiredOption('--failed-leader <id>', 'broker that must not lead any more', nonEmpty)
    .option('--expected-term <n>', 'do nothing unless this is the current term', integer(0, INT32_MAX))
    .option('--target <id>', 'broker that should lead instead (default: the best follower)', nonEmpty)
    .option(
      '--max-block-ms <ms>',
      `longest time for which a live leader refuses writes: 1 to ${MAX_BLOCK_MAX_MS} (default 1000)`,
      integer(1, MAX_BLOCK_MAX_MS),
    )
    .action((topic: string, partition: number, flags: FailoverFlags, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        const { failedLeader, expectedTerm, target, maxBlockMs } = flags;
        const request = { topic, partition, failedLeader, expectedTerm, target, maxBlockMs };
        const result = await client.partitionFailover(request);
        const document = {
          new_leader: result.newLeader,
          new_term: result.newTerm,
          failover_ms: result.failoverMs,
          outcome: result.outcome,
        };
        const rows = [Object.values(document)];
        await print({ document, sections: [{ name: 'failover', head: Object.keys(document), rows }] });
      }),
    );
}
