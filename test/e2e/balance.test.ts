/** Who leads after a rolling restart of real processes, and what health says meanwhile. */
import { expect, it, onTestFinished } from 'vitest';
import { bellwether, ProcessCluster, until } from './processes.js';

const PARTITIONS = 9;
const COOL_DOWN_MS = 1_000;

it('leaders are spread as placed, a cool-down after a rolling restart; health tells who is down', async () => {
  const flags = ['--leader-balance-cool-down-ms', String(COOL_DOWN_MS)];
  const cluster = await ProcessCluster.start(3, { flags });
  onTestFinished(() => cluster.close());
  const { admin } = await cluster.client();
  await admin.createTopic('t', { partitions: PARTITIONS, replicationFactor: 3 });
  const isSpread = async (): Promise<boolean> => {
    const { notPreferredCount, brokers } = await admin.describeCluster();
    return notPreferredCount === 0 && brokers.every(({ leaderCount }) => leaderCount === PARTITIONS / 3);
  };
  await until('every broker leads what it should', isSpread);
  for (const id of cluster.ids) {
    cluster.signal(id, 'SIGTERM');
    expect(await cluster.ended(id)).toBe(0);
    // What it should lead is led elsewhere, and cannot go back before it does.
    const { notPreferredCount } = await admin.describeCluster();
    expect(notPreferredCount).toBeGreaterThanOrEqual(PARTITIONS / 3);
    await until(`health names ${id} alone`, async () => {
      const ill = (await admin.describeHealth()).filter(({ serving }) => !serving);
      return ill.length === 1 && ill[0]?.broker === id && ill[0].causes[0]?.reason === 'UNREACHABLE';
    });
    cluster.launch(id);
    await cluster.allAlive();
  }
  await until('leaders are back', isSpread);
  await until('bellwether health ends with 0', async () => {
    const { code, stderr } = await bellwether(['health', '--bootstrap', cluster.bootstrap]);
    return code === 0 && stderr === '';
  });
});
