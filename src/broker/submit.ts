/** Sends commands to the controller, wherever it is, on behalf of this broker. */

import { BellwetherError } from '../errors.js';
import { type ClusterCommand, type CommandResult, encodeCommand } from '../cluster/commands.js';
import { type BrokerId, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import type { Clock } from './clock.js';
import {
  checkResult,
  CLUSTER_GROUP,
  type ClusterHost,
  type EncodedCommand,
  spreads,
} from './cluster-host.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';
import type { PeerTransport, SubmitResult } from './peer-port.js';

/** What of a broker is needed here. */
export interface Submitter {
  readonly id: BrokerId;
  readonly clock: Clock;
  readonly cluster: ClusterHost;
  readonly table: LeaderTable;
  readonly transport: PeerTransport;
  clusterElsewhere(): BellwetherError;
  wake(group: GroupHost): void;
}

/**
 * Has a command committed and applied, on this broker too. Sends it again while it was certainly not
 * applied and time is left.
 *
 * @throws BellwetherError NO_LEADER without a controller, COMMIT_TIMEOUT, or the state machine's refusal.
 */
export async function submitCommand(
  broker: Submitter,
  command: ClusterCommand,
  timeoutMs: number,
): Promise<void> {
  const { clock, cluster } = broker;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const { index } = await appendCommand(broker, command, timeoutMs);
  if (await cluster.applied(index, deadlineMs - clock.monotonicMs())) return;
  throw new BellwetherError('COMMIT_TIMEOUT', `broker ${broker.id} has not applied the change in time`);
}

/** A command that was committed and accepted. */
export interface AcceptedCommand {
  readonly index: LogIndex;
  readonly result: CommandResult & { readonly ok: true };
}

/**
 * Has a command committed, and applied and accepted by the controller. Sends it again while it was
 * certainly not applied and time is left.
 *
 * @throws BellwetherError as `submitCommand`.
 */
export async function appendCommand(
  broker: Submitter,
  command: ClusterCommand,
  timeoutMs: number,
): Promise<AcceptedCommand> {
  const { clock } = broker;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const payload = encodeCommand(command);
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) throw broker.clusterElsewhere();
    const leader = await broker.table.waitFor(CLUSTER_GROUP, leftMs, () => true);
    if (leader === undefined) throw broker.clusterElsewhere();
    try {
      const { index, result } = await submitTo(
        broker,
        leader.leader,
        { payload, spreads: spreads(command) },
        deadlineMs - clock.monotonicMs(),
      );
      return { index, result: checkResult(result) };
    } catch (error) {
      if (!(error instanceof BellwetherError) || !error.retryable) throw error;
      await new Promise<void>((resolve) => {
        clock.schedule(LIMITS.registerRetryMs, resolve);
      });
    }
  }
}

function submitTo(
  broker: Submitter,
  leader: string,
  command: EncodedCommand,
  timeoutMs: number,
): Promise<SubmitResult> {
  const { cluster, transport } = broker;
  if (leader !== broker.id) {
    const { payload } = command;
    const request = { group: CLUSTER_GROUP, kind: ENTRY_KIND.CLUSTER_COMMAND, payload };
    return transport.submit(leader, request, timeoutMs);
  }
  return cluster.append(
    command,
    timeoutMs,
    () => broker.clusterElsewhere(),
    () => {
      broker.wake(cluster.group);
    },
  );
}
