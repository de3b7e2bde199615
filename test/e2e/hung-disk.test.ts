/**
 * A leader whose disk hangs must not stay a zombie (B27, hashicorp/raft#503): its process lives, its links are open,
 * and nothing that it is given ends.
 */

import { expect, it } from 'vitest';
import { connect } from '../../src/client/index.js';
import { until } from './processes.js';
import { REF, underLoad } from './under-load.js';

/** From the first sync that hangs to the writes of the next leader: 500 ms until it yields, and an election. */
const YIELDS_WITHIN_MS = 2_000;

it('a leader whose disk hangs gives up all that it leads, says so, and comes back when the disk does', async () => {
  await underLoad(
    4,
    async ({ cluster, client, writesGoOn }) => {
      const { leader: zombie, term } = await client.partitionLeader(REF);
      await cluster.hangDisk(zombie);
      const hungMs = performance.now();
      const direct = await connect({ brokers: [cluster.address(zombie)] });
      try {
        // The process answers, and names another leader for every partition.
        await until('the zombie leads nothing', async () => {
          const { topics } = await direct.metadata([REF.topic], { timeoutMs: 1_000 });
          const leaders = topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader));
          return leaders.length === 4 && leaders.every((leader) => leader !== '' && leader !== zombie);
        });
        expect(performance.now() - hungMs).toBeLessThan(YIELDS_WITHIN_MS);
        await writesGoOn();
        const after = await client.partitionLeader(REF);
        expect(after.leader).not.toBe(zombie);
        expect(after.term).toBeGreaterThan(term);
      } finally {
        await direct.close();
      }

      await cluster.freeDisk(zombie);
      await until('the broker is in sync again', async () => {
        const { inSyncReplicas } = await client.partitionLeader(REF);
        return inSyncReplicas.includes(zombie);
      });
      await writesGoOn();
    },
    { mayHang: true },
  );
});
