/**
 * A leader that is stopped (SIGSTOP) keeps its connections and says nothing. Clients that wait for it with the
 * default deadline must not wait that long: they find the next leader themselves.
 */

import { expect, it } from 'vitest';
import { TIMEOUT_DEFAULT_MS } from '../../src/client/call-options.js';
import { until } from './processes.js';
import { REF, underLoad } from './under-load.js';

/** Far more than noticing and electing take, far less than the deadline of a call. */
const GAP_MAX_MS = TIMEOUT_DEFAULT_MS / 2;

it('writes with the default deadline go on while the leader that they waited for is stopped', async () => {
  await underLoad(
    1,
    async ({ cluster, client, recorder, writesGoOn }) => {
      const { leader } = await client.partitionLeader(REF);
      cluster.signal(leader, 'SIGSTOP');
      const stoppedMs = performance.now();
      await writesGoOn();
      expect(recorder.longestGapMs(stoppedMs)).toBeLessThan(GAP_MAX_MS);

      cluster.signal(leader, 'SIGCONT');
      await until('the stopped broker is in sync again', async () => {
        const { inSyncReplicas } = await client.partitionLeader(REF);
        return inSyncReplicas.includes(leader);
      });
      await writesGoOn();
    },
    { timeoutMs: TIMEOUT_DEFAULT_MS },
  );
});
