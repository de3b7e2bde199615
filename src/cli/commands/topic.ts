/** `bellwether topic create|list|describe|alter|delete`; what moves or deletes data is in replicas.ts. */
import type { Command } from 'commander';
import { configEntries, configNames, integer, PARTITIONS_MAX } from '../arguments.js';
import { withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { TopicConfig, TopicConfigName, TopicDescription } from '../../client/index.js';
import type { CliIo } from '../io.js';
import { configDocument, configSection, partitionSection, topicDocument } from '../topic-report.js';
import { addDeleteRecords, addReassign } from './replicas.js';

const CONFIG_HELP =
  'set an entry of the configuration, such as retention_ms=86400000 (-1: no limit); may be repeated';

const REPLICATION_FACTOR_MAX = 7;

interface CreateFlags {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: TopicConfig;
}

interface AlterFlags {
  readonly config?: TopicConfig;
  readonly reset?: readonly TopicConfigName[];
}

export function addTopicCommand(program: Command, io: CliIo): void {
  const topic = program
    .command('topic')
    .description('Create, list, describe, alter and delete topics; move replicas; delete records.');
  addCreate(topic, io);
  addList(topic, io);
  withClientFlags(topic.command('describe'))
    .description('Show the partitions of a topic, their leaders and replicas, and its configuration.')
    .argument('<topic>', 'name of the topic')
    .action((name: string, _flags: unknown, command: Command) =>
      withClient(io, command, async (context) => {
        await printTopic(context, await context.client.admin.describeTopic(name));
      }),
    );
  addAlter(topic, io);
  withClientFlags(topic.command('delete'))
    .description('Delete a topic with all its records. There is no way back.')
    .argument('<topic>', 'name of the topic')
    .action((name: string, _flags: unknown, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        await client.admin.deleteTopic(name);
        const sections = [{ name: 'topic', head: ['topic', 'deleted'], rows: [[name, true]] }];
        await print({ document: { topic: name, deleted: true }, sections });
      }),
    );
  addReassign(topic, io);
  addDeleteRecords(topic, io);
}

function addCreate(topic: Command, io: CliIo): void {
  withClientFlags(topic.command('create'))
    .description('Create a topic.')
    .argument('<topic>', 'name of the topic: 1 to 249 characters of [a-zA-Z0-9._-]')
    .option(
      '--partitions <n>',
      `number of partitions: 1 to ${PARTITIONS_MAX} (default 1)`,
      integer(1, PARTITIONS_MAX),
    )
    .option(
      '--replication-factor <n>',
      `replicas of each: 1 to ${REPLICATION_FACTOR_MAX} (default 3, or the number of brokers if smaller)`,
      integer(1, REPLICATION_FACTOR_MAX),
    )
    .option('--config <name=n>', CONFIG_HELP, configEntries)
    .action((name: string, { partitions, replicationFactor, config }: CreateFlags, command: Command) =>
      withClient(io, command, async (context) => {
        await context.client.admin.createTopic(name, {
          ...(partitions !== undefined && { partitions }),
          ...(replicationFactor !== undefined && { replicationFactor }),
          ...(config !== undefined && { config }),
        });
        const topic = await context.client.admin.describeTopic(name);
        await context.print({ document: documentOf(topic), sections: [partitionSection([topic])] });
      }),
    );
}

function addAlter(topic: Command, io: CliIo): void {
  withClientFlags(topic.command('alter'))
    .description('Change the configuration of a topic, and show what is in force then.')
    .argument('<topic>', 'name of the topic')
    .option('--config <name=n>', CONFIG_HELP, configEntries)
    .option('--reset <name>', 'give the entry back to its default; may be repeated', configNames)
    .action((name: string, { config, reset }: AlterFlags, command: Command) => {
      if (config === undefined && reset === undefined) command.error('error: --config or --reset is needed');
      return withClient(io, command, async ({ client, print }) => {
        const change = { ...(config && { set: config }), ...(reset && { reset }) };
        const entries = await client.admin.alterTopicConfig(name, change);
        const document = { topic: name, config: entries.map(configDocument) };
        await print({ document, sections: [configSection(entries)] });
      });
    });
}

function addList(topic: Command, io: CliIo): void {
  withClientFlags(topic.command('list'))
    .description('List the topics, ordered by name.')
    .action((_flags: unknown, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        const topics = (await client.admin.listTopics()).map((summary) => ({
          topic: summary.topic,
          partition_count: summary.partitionCount,
          replication_factor: summary.replicationFactor,
        }));
        const head = ['topic', 'partition_count', 'replication_factor'];
        const rows = topics.map((summary) => Object.values(summary));
        await print({ document: { topics }, sections: [{ name: 'topic', head, rows }] });
      }),
    );
}

function printTopic({ print }: Context, topic: TopicDescription): Promise<void> {
  return print({
    document: documentOf(topic),
    sections: [partitionSection([topic]), configSection(topic.config)],
  });
}

function documentOf(topic: TopicDescription) {
  return { ...topicDocument(topic), config: topic.config.map(configDocument) };
}
