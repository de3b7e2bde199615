/** `bellwether broker list|add|remove|replace`: which brokers are in the cluster. */
import type { Command } from 'commander';
import { namedAddress, nonEmpty, type NamedAddress } from '../arguments.js';
import { withClient, withClientFlags } from '../client-command.js';
import type { Context } from '../client-command.js';
import type { BrokerDescription } from '../../client/index.js';
import { BellwetherError } from '../../errors.js';
import type { CliIo } from '../io.js';
import { type Look, untilDone, type WaitFlags, withWaitFlags } from '../progress.js';

const SHOWING = 'bellwether broker list';

export function addBrokerCommand(program: Command, io: CliIo): void {
  const broker = program.command('broker').description('List, add, remove and replace brokers.');
  withClientFlags(broker.command('list'))
    .description('Show all brokers with their status.')
    .action((_flags: unknown, command: Command) => withClient(io, command, printBrokers));
  withWaitFlags(withClientFlags(broker.command('add')))
    .description('Admit a broker, and wait until it has been started and has joined.')
    .argument(
      '<id=host:port>',
      'its name, and where the other brokers reach it (--peer-listen)',
      namedAddress,
    )
    .action((added: NamedAddress, flags: WaitFlags, command: Command) =>
      withClient(io, command, (context) => addBroker(context, added, flags)),
    );
  withWaitFlags(withClientFlags(broker.command('remove')))
    .description('Move every replica off a broker, and let it go.')
    .argument('<id>', 'name of the broker', nonEmpty)
    .action((id: string, flags: WaitFlags, command: Command) =>
      withClient(io, command, (context) => removeBroker(context, id, flags)),
    );
  withWaitFlags(withClientFlags(broker.command('replace')))
    .description('Declare the disk of a broker lost; when done, start it with an empty data folder.')
    .argument('<id>', 'name of the broker', nonEmpty)
    .action((id: string, flags: WaitFlags, command: Command) =>
      withClient(io, command, (context) => replaceBroker(context, id, flags)),
    );
}

async function printBrokers({ client, print }: Context): Promise<void> {
  const brokers = (await client.admin.listBrokers()).map((broker) => ({
    broker: broker.id,
    status: broker.status,
    address: broker.address,
    peer_address: broker.peerAddress,
    rack: broker.rack,
    alive: broker.alive,
    controller: broker.controller,
    leader_count: broker.leaderCount,
    replica_count: broker.replicaCount,
    incarnation: broker.incarnation ?? null,
  }));
  const head = [
    'broker',
    'status',
    'address',
    'peer_address',
    'rack',
    'alive',
    'controller',
    'leader_count',
    'replica_count',
    'incarnation',
  ];
  const rows = brokers.map((broker) => Object.values(broker).map((value) => value ?? undefined));
  await print({ document: { brokers }, sections: [{ name: 'broker', head, rows }] });
}

async function addBroker(context: Context, { id, address }: NamedAddress, flags: WaitFlags): Promise<void> {
  const { io, client } = context;
  await client.admin.addBroker(id, address);
  let status = 'JOINING';
  if (flags.wait) {
    await untilDone(io.stderr, flags, SHOWING, async () => {
      status = (await find(context, id))?.status ?? status;
      if (status === 'JOINING')
        return { done: false, text: `${id} is admitted; waiting for it to be started` };
      return { done: true, text: `${id} is ${status}` };
    });
  }
  await report(context, { broker: id, peer_address: address, status });
}

async function removeBroker(context: Context, id: string, flags: WaitFlags): Promise<void> {
  const { io, client } = context;
  const partitions = (await known(context, id)).replicaCount;
  await client.admin.removeBroker(id);
  let left = partitions;
  let removed = false;
  if (flags.wait) {
    await untilDone(io.stderr, flags, SHOWING, async () => {
      const broker = await find(context, id);
      removed = broker === undefined;
      left = Math.min(broker?.replicaCount ?? 0, partitions);
      const moved = `moved ${partitions - left}/${partitions} partitions off ${id}`;
      const rest = left > 0 ? '' : '; waiting for it to leave the group of the cluster metadata';
      return { done: removed, text: removed ? `${moved}; it is gone` : `${moved}${rest}` };
    });
  }
  await report(context, { broker: id, removed, partitions_moved: partitions - left, partitions });
}

async function replaceBroker(context: Context, id: string, flags: WaitFlags): Promise<void> {
  const { io, client } = context;
  const { incarnation, replicaCount: partitions } = await known(context, id);
  await client.admin.replaceBroker(id);
  let status: BrokerDescription['status'] = 'REPLACING';
  let left = partitions;
  if (flags.wait) {
    await untilDone(io.stderr, flags, SHOWING, async (): Promise<Look> => {
      const [broker, reassignments] = [await find(context, id), await client.admin.listReassignments()];
      // A broker that answers may not have heard of the change yet; another disk proves that it is done.
      const done = broker?.status === 'JOINING' || (broker?.incarnation ?? incarnation) !== incarnation;
      const members = reassignments.filter(({ voters, learners }) => [...voters, ...learners].includes(id));
      status = broker?.status ?? status;
      left = done ? 0 : Math.min(members.length, partitions);
      const text = `took ${id} out of ${partitions - left}/${partitions} partitions`;
      return { done, text: done ? `${text}; start it with an empty data folder` : text };
    });
  }
  await report(context, { broker: id, status, partitions_left: left, partitions });
}

async function find({ client }: Context, id: string): Promise<BrokerDescription | undefined> {
  return (await client.admin.listBrokers()).find((broker) => broker.id === id);
}

async function known(context: Context, id: string): Promise<BrokerDescription> {
  const broker = await find(context, id);
  if (broker !== undefined) return broker;
  throw new BellwetherError('BROKER_NOT_FOUND', `the cluster has no broker ${id}`, {
    metadata: { broker: id },
  });
}

async function report(
  { print }: Context,
  document: Record<string, string | number | boolean>,
): Promise<void> {
  const sections = [{ name: 'broker', head: Object.keys(document), rows: [Object.values(document)] }];
  await print({ document, sections });
}
