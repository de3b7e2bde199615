/** `bellwether topic reassign` and `topic delete-records`: what moves or deletes the data of a partition. */
import type { Command } from 'commander';
import { brokerNames, integer } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { PartitionRef, Reassignment } from '../../client/index.js';
import type { CliIo } from '../io.js';
import type { Cell } from '../output.js';
import { untilDone, type WaitFlags, withWaitFlags } from '../progress.js';

interface ReassignFlags extends WaitFlags {
  readonly replicas?: readonly string[];
  readonly cancel?: boolean;
}

interface DeleteFlags {
  readonly before: number | 'latest';
}

export function addReassign(topic: Command, io: CliIo): void {
  withWaitFlags(withClientFlags(topic.command('reassign')))
    .description('Move the replicas of a partition to other brokers, while it is written and read.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .option('--replicas <id,...>', 'where they are to be, the preferred leader first', brokerNames)
    .option('--cancel', 'move them back to where they were before the reassignment')
    .action((name: string, partition: number, flags: ReassignFlags, command: Command) => {
      if ((flags.replicas === undefined) !== (flags.cancel === true)) {
        command.error('error: exactly one of --replicas and --cancel is needed');
      }
      return withClient(io, command, (context) => reassign(context, { topic: name, partition }, flags));
    });
}

export function addDeleteRecords(topic: Command, io: CliIo): void {
  withClientFlags(topic.command('delete-records'))
    .description('Delete the oldest records of a partition. There is no way back.')
    .argument('<topic>', 'name of the topic')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .requiredOption('--before <offset>', 'delete the records below it; "latest" deletes all', offsetOrLatest)
    .action((name: string, partition: number, { before }: DeleteFlags, command: Command) =>
      withClient(io, command, async (context) => {
        const { logStartOffset } = await context.client.admin.deleteRecords(
          { topic: name, partition },
          before,
        );
        await report(context, { topic: name, partition, log_start_offset: logStartOffset });
      }),
    );
}

function offsetOrLatest(text: string): number | 'latest' {
  return text === 'latest' ? text : integer(0, Number.MAX_SAFE_INTEGER)(text);
}

async function reassign(context: Context, ref: PartitionRef, flags: ReassignFlags): Promise<void> {
  const { io, client } = context;
  const { replicas } = flags;
  if (replicas === undefined) await client.admin.cancelReassignment(ref);
  else await client.admin.reassignPartition(ref, replicas);
  const name = `${ref.topic}/${ref.partition}`;
  if (flags.wait) {
    await untilDone(io.stderr, flags, `bellwether topic describe ${ref.topic}`, async () => {
      const moving = (await client.admin.listReassignments()).find((each) => isOf(each, ref));
      const now = await replicasOf(context, ref);
      if (moving?.target !== undefined) return { done: false, text: await progressOf(context, moving) };
      // The broker that answers may not have heard of the change yet: the replicas must be those asked for.
      const done = replicas === undefined || now.join() === replicas.join();
      return { done, text: done ? `${name} is on ${now.join()}` : `${name} is about to move` };
    });
  }
  const moving = (await client.admin.listReassignments()).find((each) => isOf(each, ref));
  await report(context, {
    ...ref,
    replicas: await replicasOf(context, ref),
    moving: moving?.target !== undefined,
  });
}

async function replicasOf(
  { client }: Context,
  { topic, partition }: PartitionRef,
): Promise<readonly string[]> {
  const { partitions } = await client.admin.describeTopic(topic);
  return partitions.find((each) => each.partition === partition)?.replicas ?? [];
}

/** Who votes and who learns, and how far those that learn are behind. */
async function progressOf({ client }: Context, moving: Reassignment): Promise<string> {
  const { topic, partition, target = [], voters, learners } = moving;
  const text = `${topic}/${partition} moves to ${target.join()}: voters ${voters.join()}`;
  if (learners.length === 0) return text;
  // Only a picture for people: while a new leader is elected the lag is not known.
  const replication = await client.admin.describeReplication(moving).catch(() => undefined);
  const lags = learners.map((id) => {
    const member = replication?.members.find(({ broker }) => broker === id);
    return member === undefined ? id : `${id} (${member.lagEntries} entries behind)`;
  });
  return `${text}, learners ${lags.join()}`;
}

function isOf(each: PartitionRef, { topic, partition }: PartitionRef): boolean {
  return each.topic === topic && each.partition === partition;
}

async function report({ print }: Context, document: Readonly<Record<string, Exclude<Cell, undefined>>>) {
  const sections = [{ name: 'partition', head: Object.keys(document), rows: [Object.values(document)] }];
  await print({ document, sections });
}
