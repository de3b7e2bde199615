/** `bellwether failover TOPIC PARTITION`: moves leadership away from a broker. */
import type { Command } from 'commander';
import { integer, nonEmpty } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { printMove, withMoveFlags } from '../leadership-move.js';
import type { MoveFlags } from '../leadership-move.js';

interface FailoverFlags extends MoveFlags {
  readonly failedLeader: string;
  readonly target?: string;
  readonly dryRun?: true;
}

export function addFailoverCommand(program: Command, io: CliIo): void {
  withMoveFlags(withClientFlags(program.command('failover')))
    .description('Make another broker lead a partition; answers when it does.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .requiredOption('--failed-leader <id>', 'broker that must not lead any more', nonEmpty)
    .option('--target <id>', 'broker that should lead instead (default: the best follower)', nonEmpty)
    .option('--dry-run', 'check everything and say who would lead, but move nothing')
    .action((topic: string, partition: number, flags: FailoverFlags, command: Command) =>
      withClient(io, command, async (context) => {
        const { failedLeader, target, expectedTerm, maxBlockMs, dryRun } = flags;
        const request = { topic, partition, failedLeader, target, expectedTerm, maxBlockMs, dryRun };
        const result = await context.client.partitionFailover(request);
        const answer = {
          new_leader: result.newLeader,
          new_term: result.newTerm,
          failover_ms: result.failoverMs,
          outcome: result.outcome,
        };
        await printMove(context, answer, result.timeline);
      }),
    );
}
