/** Brokers come and go while clients write and read. */
import { expect, it } from 'vitest';
import { until } from './processes.js';
import { brokerOf, underLoad } from './under-load.js';

it('a broker is added and used, another is removed, and its process ends', async () => {
  await underLoad(2, async ({ cluster, client, run, writesGoOn }) => {
    await cluster.newcomer('n4');
    // Started too early: it waits, and says what it waits for.
    cluster.launch('n4');
    const add = `n4=${cluster.peerAddress('n4')}`;
    await until('n4 says what it waits for', () =>
      Promise.resolve(cluster.stderr('n4').includes(`run \\"bellwether broker add ${add}\\"`)),
    );
    const added = await run('broker', 'add', add);
    expect(added.stderr.trimEnd().split('\n').at(-1)).toBe('n4 is ACTIVE');
    expect([added.stdout, added.code]).toEqual([`n4\t${cluster.peerAddress('n4')}\tACTIVE\n`, 0]);

    await client.admin.createTopic('later', { partitions: 4, replicationFactor: 3 });
    expect((await brokerOf(client, 'n4'))?.replicaCount).toBeGreaterThan(0);

    const held = (await brokerOf(client, 'n1'))?.replicaCount ?? 0;
    const others = ['n2', 'n3', 'n4'];
    const removed = await run('broker', 'remove', 'n1');
    expect(removed.stderr.trimEnd().split('\n').at(-1)).toBe(
      `moved ${held}/${held} partitions off n1; it is gone`,
    );
    expect([removed.stdout, removed.code]).toEqual([`n1\ttrue\t${held}\t${held}\n`, 0]);
    expect(await cluster.ended('n1')).toBe(0);
    expect(cluster.stderr('n1').trimEnd().split('\n').at(-1)).toMatch(
      /^bellwether: broker n1 was removed from the cluster; to have it back, run /,
    );

    const brokers = await client.admin.listBrokers();
    expect(brokers.map(({ id, status, alive }) => [id, status, alive])).toEqual(
      others.map((id) => [id, 'ACTIVE', true]),
    );
    await writesGoOn();
    // Each group has three voters on the three that are left: one more may go.
    await cluster.kill('n2');
    await writesGoOn();
  });
});

it('refusals say who, why and what next', async () => {
  await underLoad(1, async ({ run }) => {
    const refusals: readonly (readonly [string, string])[] = [
      ['broker replace n3', 'n3 is running with the disk that would be declared lost; stop it first'],
      ['broker replace n9', 'the cluster has no broker n9'],
      ['broker remove n1', 'no other active broker can take the replica of t/0 on n1; add a broker first'],
      ['broker add n1=127.0.0.1:1', 'broker n1 is in the cluster, with status ACTIVE'],
      ['topic reassign t 0 --replicas n1,n9', 'the cluster has no broker n9'],
      ['topic reassign t 0 --cancel', 't/0 is not being reassigned'],
      ['topic create x --replication-factor 4', 'replication factor 4 asked for, 3 brokers are active'],
    ];
    const answers = refusals.map(async ([command, text]) => {
      const { code, stdout, stderr } = await run(...command.split(' '));
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(text);
      expect(stderr).toContain('outcome NOT_APPLIED');
    });
    await Promise.all(answers);
  });
});
