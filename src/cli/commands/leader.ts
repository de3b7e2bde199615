/** `bellwether leader TOPIC PARTITION`: who leads a partition. */
import type { Command } from 'commander';
import { integer } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';

export function addLeaderCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('leader'))
    .description('Show who leads a partition; waits while an election runs.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .action((topic: string, partition: number, _flags: unknown, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        const found = await client.partitionLeader({ topic, partition });
        const document = {
          leader: found.leader,
          followers: found.followers,
          term: found.term,
          leader_address: found.leaderAddress,
          in_sync_replicas: found.inSyncReplicas,
          high_watermark: found.highWatermark ?? null,
          leader_since_ms: found.leaderSinceMs,
        };
        const row = [
          found.leader,
          found.followers,
          found.term,
          found.leaderAddress,
          found.inSyncReplicas,
          found.highWatermark,
          found.leaderSinceMs,
        ];
        await print({ document, sections: [{ name: 'leader', head: Object.keys(document), rows: [row] }] });
      }),
    );
}
