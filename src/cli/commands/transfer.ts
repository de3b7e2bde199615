/** `bellwether transfer TOPIC PARTITION`: hands leadership over from whoever has it. */
import type { Command } from 'commander';
import { integer, nonEmpty } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { printMove, withMoveFlags } from '../leadership-move.js';
import type { MoveFlags } from '../leadership-move.js';

interface TransferFlags extends MoveFlags {
  readonly to?: string;
}

export function addTransferCommand(program: Command, io: CliIo): void {
  withMoveFlags(withClientFlags(program.command('transfer')))
    .description('Have the leader of a partition hand over; answers when the new one leads.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .option('--to <id>', 'broker that should lead (default: the best follower)', nonEmpty)
    .action((topic: string, partition: number, flags: TransferFlags, command: Command) =>
      withClient(io, command, async (context) => {
        const { to: target, expectedTerm, maxBlockMs } = flags;
        const ref = { topic, partition };
        const result = await context.client.admin.transferLeadership(ref, {
          target,
          expectedTerm,
          maxBlockMs,
        });
        const answer = {
          leader: result.leader,
          term: result.term,
          transfer_ms: result.transferMs,
          outcome: result.outcome,
        };
        await printMove(context, answer, result.timeline);
      }),
    );
}
