/** A partition moves to other brokers while clients write and read. */
import { expect, it } from 'vitest';
import { until } from './processes.js';
import { REF, type Stage, TOPIC, underLoad, votersAre } from './under-load.js';

const OLD = ['n1', 'n2', 'n3'];
const NEW = ['n4', 'n5', 'n6'];

/** Longest time without an acknowledged write; what a move costs is printed, this only finds one that blocks. */
const GAP_MAX_MS = 5_000;

async function growToSix(stage: Stage): Promise<void> {
  for (const id of NEW) await stage.grow(id);
}

/** Where the replicas are, as every running broker says. */
async function livesOn(
  { cluster }: Stage,
  ids: readonly string[],
  down: readonly string[] = [],
): Promise<void> {
  for (const id of cluster.ids.filter((each) => !down.includes(each))) {
    const client = await cluster.client([id]);
    await until(`${id} knows that ${TOPIC}/0 is on ${ids.join()}`, async () => {
      const { partitions } = await client.admin.describeTopic(TOPIC);
      return partitions[0]?.replicas.join() === ids.join();
    });
  }
}

/** Replicas that each broker keeps; the test's topic is the only one. */
async function replicaCounts({ client }: Stage): Promise<Readonly<Record<string, number>>> {
  const brokers = await client.admin.listBrokers();
  return Object.fromEntries(brokers.map(({ id, replicaCount }) => [id, replicaCount]));
}

/** Moves it and waits until the command says that it is done. */
async function move({ run }: Stage, ids: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run('topic', 'reassign', TOPIC, '0', '--replicas', ids.join());
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`t/0 is on ${ids.join()}`);
  expect([stdout, code]).toEqual([`t\t0\t${ids.join()}\tfalse\n`, 0]);
}

/** Begins to move it, without waiting. */
async function begin({ client }: Stage, ids: readonly string[]): Promise<void> {
  await client.admin.reassignPartition(REF, ids);
}

it('goes to three other brokers, back half-way, and back with its leader killed on the way', async ({
  annotate,
}) => {
  await underLoad(1, async (stage) => {
    const { cluster, client, run, writesGoOn } = stage;
    await growToSix(stage);
    const startedMs = performance.now();
    await move(stage, NEW);
    await writesGoOn();
    const gapMs = stage.recorder.longestGapMs(startedMs);
    await annotate(`longest time without an acknowledged write: ${gapMs.toFixed(0)} ms`);
    expect(gapMs).toBeLessThan(GAP_MAX_MS);
    await livesOn(stage, NEW);
    expect(NEW).toContain((await client.partitionLeader(REF)).leader);
    expect(await replicaCounts(stage)).toEqual({ n1: 0, n2: 0, n3: 0, n4: 1, n5: 1, n6: 1 });

    // With n3 down the move cannot end.
    await cluster.kill('n3');
    await begin(stage, OLD);
    await writesGoOn();
    const cancelled = await run('topic', 'reassign', TOPIC, '0', '--cancel');
    expect(cancelled.stderr.trimEnd().split('\n').at(-1)).toBe('t/0 is on n4,n5,n6');
    expect([cancelled.stdout, cancelled.code]).toEqual(['t\t0\tn4,n5,n6\tfalse\n', 0]);
    await livesOn(stage, NEW, ['n3']);
    await votersAre(client, REF, NEW);
    cluster.launch('n3');

    const { leader } = await client.partitionLeader(REF);
    await begin(stage, OLD);
    await cluster.kill(leader);
    await writesGoOn();
    await livesOn(stage, OLD, [leader]);
    await votersAre(client, REF, OLD);
    await writesGoOn();
  });
});
