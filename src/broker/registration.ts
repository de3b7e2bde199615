/** Enters this broker in the cluster metadata, once a controller is known. */

import type { Broker } from './broker.js';
import { CLUSTER_GROUP } from './cluster-host.js';
import { BellwetherError } from '../errors.js';
import { LIMITS } from './limits.js';
import { asDefect } from './refusals.js';
import { submitCommand } from './submit.js';

/**
 * Resolves with true once the broker stands in the metadata with its present address and disk, with
 * false when it was stopped or has failed before.
 *
 * What the own disk knows of the metadata is enough to serve, also without a quorum. It may be out of date:
 * the controller is told at each start, so that a broker whose disk was declared lost while it was down
 * finds out, and joins again or ends.
 */
export async function register(broker: Broker): Promise<boolean> {
  const entered = enter(broker);
  void entered.then(
    () => stayEntered(broker),
    () => undefined,
  );
  // What the disk knows to be committed is applied in the first pass.
  await new Promise<void>((resolve) => {
    broker.clock.defer(resolve);
  });
  if (!standsInMetadata(broker)) return entered;
  entered.catch((error: unknown) => {
    broker.fail(asDefect(error));
  });
  return true;
}

function standsInMetadata({ id, options, peerAddress, cluster }: Broker): boolean {
  const { incarnation, address, rack } = options;
  const known = cluster.state.brokers.get(id);
  return (
    cluster.state.clusterId !== '' &&
    known?.incarnation === incarnation &&
    known.address === address &&
    known.peerAddress === peerAddress &&
    known.rack === rack
  );
}

/**
 * A disk may be declared lost while its broker runs: cut off, or by a command that was under way for long. All
 * groups let the broker go then, and nobody tells it, as a member that was removed hears no more of its group.
 * It sees a controller at work that does not lead it, and tells the controller of itself as at a start.
 */
async function stayEntered(broker: Broker): Promise<void> {
  let wasLeftOut = false;
  while (broker.isServing) {
    await pause(broker, LIMITS.rejoinRetryMs);
    // Twice: between the announcement of a new controller and its first append that is so for a moment.
    const isNow = isLeftOut(broker);
    if (isNow && wasLeftOut) {
      broker.log('the controller does not lead this broker; registering again', {}, 'warn');
      await enter(broker).catch((error: unknown) => {
        broker.fail(asDefect(error));
      });
    }
    wasLeftOut = isNow;
  }
}

function isLeftOut({ id, table, cluster }: Broker): boolean {
  const controller = table.leaderOf(CLUSTER_GROUP);
  return controller !== undefined && controller.leader !== id && cluster.group.raft.leader === undefined;
}

function pause({ clock }: Broker, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}

/**
 * Tries for as long as the broker runs. When the cluster knows it with another disk it fails the
 * broker: a disk that was wiped must not vote as the old one (KIP-853).
 */
async function enter(broker: Broker): Promise<boolean> {
  const { id, options, peerAddress } = broker;
  const { incarnation, address, rack } = options;
  const command = { kind: 'registerBroker', id, incarnation, address, peerAddress, rack } as const;
  while (broker.isServing) {
    let retryMs: number = LIMITS.registerRetryMs;
    try {
      await broker.table.waitFor(CLUSTER_GROUP, LIMITS.defaultTimeoutMs, () => true);
      await submitCommand(broker, command, LIMITS.defaultTimeoutMs);
      // Its disk was declared lost, and it has it: once all groups have let it go it may join again.
      if (broker.cluster.state.brokers.get(id)?.status !== 'REPLACING') return true;
      retryMs = LIMITS.rejoinRetryMs;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      if (error.reason === 'CLUSTER_MISMATCH') {
        broker.fail(error);
        return false;
      }
      broker.log('could not register yet', { reason: error.reason, error: error.message });
    }
    await pause(broker, retryMs);
  }
  return false;
}
