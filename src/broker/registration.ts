/** Enters this broker in the cluster metadata, once a controller is known. */

import type { Broker } from './broker.js';
import { CLUSTER_GROUP } from './cluster-host.js';
import { BellwetherError } from '../errors.js';
import { LIMITS } from './limits.js';
import { submitCommand } from './submit.js';

/**
 * Resolves with true once the broker stands in the metadata with its present address and disk, with
 * false when it was stopped or has failed before.
 *
 * Tries for as long as the broker runs. When the cluster knows it with another disk it fails the
 * broker: a disk that was wiped must not vote as the old one (KIP-853).
 */
export async function register(broker: Broker): Promise<boolean> {
  const { id, options, cluster, clock } = broker;
  for (;;) {
    if (!broker.isServing) return false;
    const known = cluster.state.brokers.get(id);
    const { incarnation, address, rack } = options;
    const { peerAddress } = broker;
    const entry = { id, incarnation, address, peerAddress, rack };
    const same =
      known?.incarnation === incarnation &&
      known.address === address &&
      known.peerAddress === peerAddress &&
      known.rack === rack;
    if (same && cluster.state.clusterId !== '') return true;
    try {
      await broker.table.waitFor(CLUSTER_GROUP, LIMITS.defaultTimeoutMs, () => true);
      await submitCommand(broker, { kind: 'registerBroker', ...entry }, LIMITS.defaultTimeoutMs);
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      if (error.reason === 'CLUSTER_MISMATCH') {
        broker.fail(error);
        return false;
      }
      broker.log('could not register yet', { reason: error.reason, error: error.message });
      await new Promise<void>((resolve) => {
        clock.schedule(LIMITS.registerRetryMs, resolve);
      });
    }
  }
}
