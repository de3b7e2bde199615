/** `bellwether cluster`: how leaders are spread over the brokers, and whether they go back by themselves. */
import type { Command } from 'commander';
import { type Context, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';

export function addClusterCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('cluster'))
    .description('Show how leaders are spread, as one broker knows it, and whether the leader balance is on.')
    .action((_flags: unknown, command: Command) => withClient(io, command, printCluster));
}

async function printCluster({ client, print }: Context): Promise<void> {
  const description = await client.admin.describeCluster();
  const brokers = description.brokers.map((broker) => ({
    broker: broker.id,
    alive: broker.alive,
    leader_count: broker.leaderCount,
    preferred_leader_count: broker.preferredLeaderCount,
    leader_imbalance_percent: rounded(broker.leaderImbalancePercent),
    replica_count: broker.replicaCount,
  }));
  const cluster = {
    cluster_id: description.clusterId,
    controller: description.controller ?? null,
    controller_term: description.controllerTerm,
    not_preferred_count: description.notPreferredCount,
    leader_imbalance_percent: rounded(description.leaderImbalancePercent),
    leader_balance: description.leaderBalance.on ? 'on' : 'off',
    leader_balance_cool_down_ms: description.leaderBalance.coolDownMs,
  };
  const row = Object.values(cluster).map((value) => value ?? undefined);
  await print({
    document: { ...cluster, brokers },
    sections: [
      { name: 'cluster', head: Object.keys(cluster), rows: [row] },
      { name: 'broker', head: BROKER_HEAD, rows: brokers.map((broker) => Object.values(broker)) },
    ],
  });
}

const BROKER_HEAD = [
  'broker',
  'alive',
  'leader_count',
  'preferred_leader_count',
  'leader_imbalance_percent',
  'replica_count',
] as const;

/** To one digit behind the point. */
function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}
