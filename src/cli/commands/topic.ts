/** `bellwether topic create|list|describe|delete`; what moves or deletes data is in replicas.ts. */
import type { Command } from 'commander';
import { integer } from '../arguments.js';
import { withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { TopicInfo } from '../../client/index.js';
import type { CliIo } from '../io.js';
import { partitionSection, topicDocument } from '../topic-report.js';
import { addDeleteRecords, addReassign } from './replicas.js';

const PARTITIONS_MAX = 10_000;
const REPLICATION_FACTOR_MAX = 7;
/** Partitions of a new topic whose first election is awaited, and how long. */
const LEADERS_AWAITED_MAX = 100;
const LEADER_WAIT_MS = 2_000;

interface CreateFlags {
  readonly partitions?: number;
  readonly replicationFactor?: number;
}

export function addTopicCommand(program: Command, io: CliIo): void {
  const topic = program
    .command('topic')
    .description('Create, list, describe and delete topics; move replicas; delete records.');
  addCreate(topic, io);
  addList(topic, io);
  withClientFlags(topic.command('describe'))
    .description('Show the partitions of a topic, their leaders and replicas.')
    .argument('<topic>', 'name of the topic')
    .action((name: string, _flags: unknown, command: Command) =>
      withClient(io, command, async (context) => {
        await printTopic(context, await context.client.admin.describeTopic(name));
      }),
    );
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
    .action((name: string, { partitions, replicationFactor }: CreateFlags, command: Command) =>
      withClient(io, command, async (context) => {
        const created = await context.client.admin.createTopic(name, {
          ...(partitions !== undefined && { partitions }),
          ...(replicationFactor !== undefined && { replicationFactor }),
        });
        await printTopic(context, await withLeaders(context, created));
      }),
    );
}

/** The topic once its first elections are over, as far as they soon are: a person wants to see leaders. */
async function withLeaders({ client }: Context, { topic, partitions }: TopicInfo): Promise<TopicInfo> {
  await Promise.allSettled(
    partitions
      .slice(0, LEADERS_AWAITED_MAX)
      .map(({ partition }) => client.partitionLeader({ topic, partition }, { timeoutMs: LEADER_WAIT_MS })),
  );
  return client.admin.describeTopic(topic);
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

function printTopic({ print }: Context, topic: TopicInfo): Promise<void> {
  return print({ document: topicDocument(topic), sections: [partitionSection([topic])] });
}
