/** `bellwether metadata [TOPIC...]`: brokers, topics and leaders. */
import type { Command } from 'commander';
import { withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { partitionSection, topicDocument } from '../topic-report.js';

export function addMetadataCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('metadata'))
    .description('Show brokers, topics and leaders as one broker knows them.')
    .argument('[topic...]', 'topics to show (default: all)')
    .action((topics: string[], _flags: unknown, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        const metadata = await client.metadata(topics);
        const { clusterId, controller, brokers } = metadata;
        const document = {
          cluster_id: clusterId,
          controller: controller ?? null,
          brokers,
          topics: metadata.topics.map(topicDocument),
        };
        const brokerSection = {
          name: 'broker',
          head: ['broker', 'address', 'rack', 'alive', 'controller'],
          rows: brokers.map(({ id, address, rack, alive }) => [id, address, rack, alive, id === controller]),
        };
        await print({ document, sections: [brokerSection, partitionSection(metadata.topics)] });
      }),
    );
}
