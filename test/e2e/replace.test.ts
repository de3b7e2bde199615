/** A broker's disk is wiped while clients write and read, and comes back as a new one. */
import { expect, it } from 'vitest';
import { until } from './processes.js';
import { brokerOf, REF, type Stage, TOPIC, underLoad, votersAre } from './under-load.js';

const LOST = 'n3';

/** The disk of n3 is lost: kill -9, wipe, declare, start anew; until all its groups have it again. */
async function replaceLost({ cluster, client, run, writesGoOn }: Stage, partitions: number): Promise<void> {
  const before = await brokerOf(client, LOST);
  await cluster.kill(LOST);
  await writesGoOn();
  await cluster.wipe(LOST);

  const { code, stdout, stderr } = await run('broker', 'replace', LOST);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(
    `took n3 out of ${partitions}/${partitions} partitions; start it with an empty data folder`,
  );
  expect([stdout, code]).toEqual([`n3\tJOINING\t0\t${partitions}\n`, 0]);

  cluster.launch(LOST);
  await until('n3 is ACTIVE', async () => (await brokerOf(client, LOST))?.status === 'ACTIVE');
  for (let partition = 0; partition < partitions; partition++) {
    await votersAre(client, { topic: TOPIC, partition }, ['n1', 'n2', 'n3']);
  }
  await until('nothing moves any more', async () => (await client.admin.listReassignments()).length === 0);
  const after = await brokerOf(client, LOST);
  expect(after?.incarnation).not.toBe(before?.incarnation);
}

/** n3 must count as a voter of every group again: with n1 gone there is no quorum without it. */
async function goesOnWithout({ cluster, client, writesGoOn }: Stage, id: string): Promise<void> {
  await cluster.kill(id);
  await writesGoOn();
  // Group 0 too: n3 must be one of two voters that answer.
  await client.admin.createTopic('later', { partitions: 1, replicationFactor: 2 });
}

it('a broker with a wiped disk is taken back as a new one, and votes again', async () => {
  await underLoad(2, async (stage) => {
    await replaceLost(stage, 2);
    await goesOnWithout(stage, 'n1');
  });
});

it('a broker with a wiped disk gets a snapshot where the records are gone', async () => {
  const deleted = 50;
  const deleteRecords = async ({ client, run }: Stage): Promise<number> => {
    const value = new TextEncoder().encode('0');
    for (let i = 0; i < deleted; i++) await client.produce(REF, [{ value }]);
    const { code, stdout } = await run('topic', 'delete-records', TOPIC, '0', '--before', 'latest');
    expect([stdout, code]).toEqual([`t\t0\t${deleted}\n`, 0]);
    return deleted;
  };
  await underLoad(
    1,
    async (stage) => {
      await replaceLost(stage, 1);
      const { client, cluster } = stage;
      const { leader } = await client.partitionLeader(REF);
      if (leader !== LOST) {
        const { code, stderr } = await stage.run(
          'failover',
          TOPIC,
          '0',
          '--failed-leader',
          leader,
          '--target',
          LOST,
        );
        expect([stderr, code]).toEqual(['', 0]);
      }
      expect((await client.partitionLeader(REF)).leader).toBe(LOST);
      const only = await cluster.client([LOST]);
      expect(await only.fetch(REF, deleted)).toMatchObject({ logStartOffset: deleted });
      await goesOnWithout(stage, 'n1');
    },
    { prepare: deleteRecords },
  );
});
