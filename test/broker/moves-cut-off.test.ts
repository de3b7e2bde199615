import { afterEach, expect, it } from 'vitest';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { MiniCluster } from './mini-cluster.js';
import { MovingPartition } from './moving-partition.js';

let cluster: MiniCluster;

afterEach(() => {
  const failed = cluster.members.flatMap(({ fatal }) => fatal);
  cluster.close();
  expect(failed).toEqual([]);
});

it.each([0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8])(
  'a leader that dies %s ms into a move, wherever it is by then, holds up nothing',
  async (afterMs) => {
    cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4', 'n5']);
    const partition = new MovingPartition(cluster);
    await partition.topicOn('n3', 'n4', 'n2');
    await partition.produce('a');
    await partition.leads('n3');
    await partition.move('n5', 'n4', 'n2');
    await cluster.run(afterMs);
    const leader = cluster.leaderOf('t') ?? 'n3';
    cluster.crash(leader);
    await cluster.until(() => {
      const assignment = cluster.at('n1').broker.cluster.state.partition('t', 0);
      return leader === 'n5' || leader === 'n1' || assignment?.target === undefined;
    });
    await cluster.boot(leader);
    await partition.inPlace('n5', 'n4', 'n2');
    await partition.produce('b');
    await partition.everywhere(['n5', 'n4', 'n2'], ['a', 'b']);
  },
);

it('a leader that hears nothing of the controller is not ahead of what the others know', async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4', 'n5']);
  const partition = new MovingPartition(cluster);
  await partition.topicOn('n3', 'n4', 'n5');
  await partition.produce('a');
  await partition.leads('n3');
  const controller = cluster.at('n1').broker.table.leaderOf(CLUSTER_GROUP)?.leader ?? '';
  expect(controller).toBe('n1');
  partition.cut('n3', 'n1');
  await partition.move('n4', 'n5', 'n2');
  await cluster.run(2_000);
  await partition.move('n3', 'n4', 'n1');
  await cluster.run(2_000);
  await partition.move('n4', 'n5', 'n2');
  await cluster.run(2_000);
  cluster.network.heal();
  await partition.inPlace('n4', 'n5', 'n2');
  await partition.produce('b');
  await partition.everywhere(['n4', 'n5', 'n2'], ['a', 'b']);
});
