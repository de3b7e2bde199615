/** AdminService: which brokers are in the cluster, where replicas are, and what is deleted of a log. */

import {
  type AdminServiceServer,
  BrokerStatus,
  MemberRole,
} from '../../../gen/bellwether/v1/admin_service.js';
import {
  addBroker,
  cancelReassignment,
  deleteRecords,
  describeReplication,
  listBrokers,
  listReassignments,
  reassignPartition,
  removeBroker,
  replaceBroker,
} from '../../broker/administration.js';
import type { Broker } from '../../broker/broker.js';
import { LIMITS } from '../../broker/limits.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { describeController } from '../describe.js';
import {
  addressField,
  brokerField,
  distinctField,
  intField,
  listField,
  nameField,
  partitionField,
  topicField,
} from '../fields.js';

/** Stands for the high watermark, as in Kafka. */
const HIGH_WATERMARK = -1;

const STATUSES = {
  ACTIVE: BrokerStatus.ACTIVE,
  JOINING: BrokerStatus.JOINING,
  REPLACING: BrokerStatus.REPLACING,
  REMOVING: BrokerStatus.REMOVING,
} as const;

const ROLES = { leader: MemberRole.LEADER, voter: MemberRole.VOTER, learner: MemberRole.LEARNER } as const;

type BrokerMethods = 'listBrokers' | 'addBroker' | 'removeBroker' | 'replaceBroker';
type ReplicaMethods =
  'reassignPartition' | 'cancelReassignment' | 'listReassignments' | 'describeReplication' | 'deleteRecords';

export function brokerHandlers(
  broker: Broker,
  onDefect: OnDefect,
): Pick<ServiceHandlers<AdminServiceServer>, BrokerMethods> {
  return {
    listBrokers: adaptUnary(
      () => {
        const { controller } = describeController(broker);
        const brokers = listBrokers(broker, controller);
        return Promise.resolve({
          brokers: brokers.map((each) => ({ ...each, status: STATUSES[each.status] })),
        });
      },
      { onDefect },
    ),

    addBroker: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const peerAddress = addressField('peer_address', request.peerAddress);
        await addBroker(broker, brokerField('broker', request.broker), peerAddress, callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),

    removeBroker: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        await removeBroker(broker, nameField('broker', request.broker), callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),

    replaceBroker: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        await replaceBroker(broker, nameField('broker', request.broker), callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),
  };
}

export function replicaHandlers(
  broker: Broker,
  onDefect: OnDefect,
): Pick<ServiceHandlers<AdminServiceServer>, ReplicaMethods> {
  return {
    reassignPartition: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const named = listField('replicas', request.replicas, 1, LIMITS.replicationFactorMax);
        const replicas = distinctField(
          'replicas',
          named.map((id) => nameField('replicas', id)),
        );
        await reassignPartition(broker, { ...partitionOf(request), replicas }, callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),

    cancelReassignment: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const { topic, partition } = partitionOf(request);
        await cancelReassignment(broker, topic, partition, callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),

    listReassignments: adaptUnary(
      () =>
        Promise.resolve({
          reassignments: listReassignments(broker).map(
            ({ topic, partition, replicas, target, membership }) => ({
              topic,
              partition,
              replicas: [...replicas],
              target: [...(target ?? [])],
              voters: [...membership.voters],
              learners: [...membership.learners],
            }),
          ),
        }),
      { onDefect },
    ),

    describeReplication: adaptUnary(
      (request) => {
        broker.checkServing();
        const { topic, partition } = partitionOf(request);
        const { term, members } = describeReplication(broker, topic, partition);
        return Promise.resolve({
          term,
          members: members.map((each) => ({ ...each, role: ROLES[each.role] })),
        });
      },
      { onDefect },
    ),

    deleteRecords: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const offset = intField(
          'before_offset',
          request.beforeOffset,
          HIGH_WATERMARK,
          Number.MAX_SAFE_INTEGER,
        );
        const before = offset === HIGH_WATERMARK ? undefined : offset;
        const deletion = { ...partitionOf(request), before };
        return { logStartOffset: await deleteRecords(broker, deletion, callTimeoutMs(context)) };
      },
      { onDefect },
    ),
  };
}

function partitionOf(request: { topic: string; partition: number }): { topic: string; partition: number } {
  return { topic: topicField(request.topic), partition: partitionField(request.partition) };
}
