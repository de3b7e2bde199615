/** `bellwether failover TOPIC PARTITION`: moves leadership away from a broker. */
import type { Command } from 'commander';
import type { FailoverResult, PartitionRef } from '../../client/index.js';
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
    .option(
      '--dry-run',
      'check everything and say who would lead, but move nothing; new_term is then the present term',
    )
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
        const prose = dryRun === true ? dryRunProse(request, result) : undefined;
        await printMove(context, answer, result.timeline, prose);
      }),
    );
}

/** What a dry run found, for people: a table would show the present term as the new one. */
function dryRunProse(
  { topic, partition }: PartitionRef,
  { newLeader, newTerm, outcome }: FailoverResult,
): string {
  const name = `${topic}/${partition}`;
  if (outcome === 'ALREADY_MOVED') {
    return `Dry run: ${newLeader} leads ${name} already, in term ${newTerm}; there would be nothing to do.\n`;
  }
  return `Dry run: ${newLeader} would lead ${name}, in a newer term than the present one, ${newTerm}. Nothing was moved.\n`;
}
