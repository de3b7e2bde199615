/** SDK calls about which brokers are in the cluster, where replicas are, and what is deleted of a log. */
import { AdminServiceService } from '../../gen/bellwether/v1/admin_service.js';
import { checkRef, checkText, checkTexts } from './checked-argument.js';
import { checkedOption } from './checked-option.js';
import { toBrokerDescriptions, toReassignments, toReplication } from './convert-brokers.js';
import type { UnaryMethod } from './call.js';
import type { Session } from './session.js';
import type { Admin, CallOptions, PartitionRef } from './types.js';

type BrokerAdmin = Pick<Admin, 'listBrokers' | 'addBroker' | 'removeBroker' | 'replaceBroker'>;
type ReplicaAdmin = Pick<
  Admin,
  'reassignPartition' | 'cancelReassignment' | 'listReassignments' | 'describeReplication' | 'deleteRecords'
>;

/** Stands for the high watermark, as in Kafka. */
const HIGH_WATERMARK = -1;

/** Calls about brokers. All changes may be sent again when in doubt: each says what should be. */
export function createBrokerAdmin(session: Session): BrokerAdmin {
  return {
    async listBrokers(options) {
      const response = await session.call({
        method: AdminServiceService.listBrokers,
        request: () => ({}),
        effect: 'read',
        route: session.anyBroker(),
        options,
      });
      return toBrokerDescriptions(response);
    },
    async addBroker(broker, peerAddress, options) {
      checkText('broker', broker);
      checkText('peerAddress', peerAddress);
      await change(session, AdminServiceService.addBroker, { broker, peerAddress }, options);
    },
    async removeBroker(broker, options) {
      checkText('broker', broker);
      await change(session, AdminServiceService.removeBroker, { broker }, options);
    },
    async replaceBroker(broker, options) {
      checkText('broker', broker);
      await change(session, AdminServiceService.replaceBroker, { broker }, options);
    },
  };
}

/** Calls about replicas. A cancellation is not sent again when in doubt: it could end a later reassignment. */
export function createReplicaAdmin(session: Session): ReplicaAdmin {
  return {
    async reassignPartition(ref, replicas, options) {
      checkRef(ref);
      checkTexts('replicas', replicas);
      const { topic, partition } = ref;
      const request = { topic, partition, replicas: [...replicas] };
      await change(session, AdminServiceService.reassignPartition, request, options);
    },
    async cancelReassignment(ref, options) {
      checkRef(ref);
      const { topic, partition } = ref;
      await session.call({
        method: AdminServiceService.cancelReassignment,
        request: () => ({ topic, partition }),
        effect: 'write',
        route: session.anyBroker(),
        options,
      });
    },
    async listReassignments(options) {
      const response = await session.call({
        method: AdminServiceService.listReassignments,
        request: () => ({}),
        effect: 'read',
        route: session.anyBroker(),
        options,
      });
      return toReassignments(response);
    },
    async describeReplication(ref, options) {
      checkRef(ref);
      const { topic, partition } = ref;
      const response = await session.call({
        method: AdminServiceService.describeReplication,
        request: () => ({ topic, partition }),
        effect: 'read',
        route: session.leaderOf(ref),
        options,
      });
      return toReplication(response);
    },
    deleteRecords: (ref, beforeOffset, options) => deleteRecords(session, ref, beforeOffset, options),
  };
}

/** Deletes up to a fixed offset; "all" means something else each time, so it is sent once only. */
async function deleteRecords(
  session: Session,
  ref: PartitionRef,
  beforeOffset: number | 'latest',
  options: CallOptions | undefined,
): Promise<{ readonly logStartOffset: number }> {
  checkRef(ref);
  const { topic, partition } = ref;
  const all = beforeOffset === 'latest';
  if (!all) checkedOption('beforeOffset', beforeOffset, 0, Number.MAX_SAFE_INTEGER);
  const { logStartOffset } = await session.call({
    method: AdminServiceService.deleteRecords,
    request: () => ({ topic, partition, beforeOffset: all ? HIGH_WATERMARK : beforeOffset }),
    effect: all ? 'write' : 'idempotent_write',
    route: session.leaderOf(ref),
    options,
  });
  return { logStartOffset };
}

async function change<Request>(
  session: Session,
  method: UnaryMethod<Request, unknown>,
  request: Request,
  options: CallOptions | undefined,
): Promise<void> {
  const route = session.anyBroker();
  await session.call({ method, request: () => request, effect: 'idempotent_write', route, options });
}
