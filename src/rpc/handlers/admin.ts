/** AdminService: topics and the cluster; what is about brokers and replicas is in brokers.ts, or leadership.ts. */

import type { AdminServiceServer, ListTopicsResponse } from '../../../gen/bellwether/v1/admin_service.js';
import type { Broker } from '../../broker/broker.js';
import { LIMITS } from '../../broker/limits.js';
import {
  alterTopicConfig,
  createTopic,
  deleteTopic,
  leadersElected,
  describeTopic as lookUpTopic,
} from '../../broker/topics.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { configField, configNamesField, describeConfig } from '../convert-config.js';
import { describeTopic, sortedTopics } from '../describe.js';
import { describeCluster, describeHealth } from '../describe-cluster.js';
import { intFieldOr, topicField } from '../fields.js';
import { brokerHandlers, replicaHandlers } from './brokers.js';
import { transferHandlers } from './leadership.js';

const PAGE_SIZE_DEFAULT = 1_000;
const PAGE_SIZE_MAX = 10_000;

export function adminHandlers(broker: Broker, onDefect: OnDefect): ServiceHandlers<AdminServiceServer> {
  return {
    createTopic: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const { replicationFactor } = request;
        const created = await createTopic(
          broker,
          {
            topic: topicField(request.topic),
            partitions: intFieldOr('partitions', request.partitions, 1, 1, LIMITS.partitionsMax),
            replicationFactor:
              replicationFactor === 0
                ? undefined
                : intFieldOr('replication_factor', replicationFactor, 1, 1, LIMITS.replicationFactorMax),
            config: configField('config', request.config),
          },
          callTimeoutMs(context),
        );
        // Half of the time that is left: the topic is there, and a deadline must not make that unknown.
        const waitMs = Math.min(LIMITS.leaderWaitMsMax, callTimeoutMs(context) / 2);
        await leadersElected(broker, created, waitMs);
        return { topic: describeTopic(broker, created) };
      },
      { onDefect },
    ),

    deleteTopic: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        await deleteTopic(broker, topicField(request.topic), callTimeoutMs(context));
        return {};
      },
      { onDefect },
    ),

    listTopics: adaptUnary(
      (request) => {
        const pageSize = intFieldOr('page_size', request.pageSize, PAGE_SIZE_DEFAULT, 1, PAGE_SIZE_MAX);
        return Promise.resolve(listTopics(broker, pageSize, request.pageToken));
      },
      { onDefect },
    ),

    describeTopic: adaptUnary(
      (request) => {
        const topic = lookUpTopic(broker, topicField(request.topic));
        return Promise.resolve({ topic: describeTopic(broker, topic), config: describeConfig(topic.config) });
      },
      { onDefect },
    ),

    alterTopicConfig: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const topic = topicField(request.topic);
        const set = configField('set', request.set);
        const reset = configNamesField('reset', request.reset, set);
        const altered = await alterTopicConfig(broker, topic, { set, reset }, callTimeoutMs(context));
        return { config: describeConfig(altered.config) };
      },
      { onDefect },
    ),

    describeCluster: adaptUnary(() => Promise.resolve(describeCluster(broker)), { onDefect }),

    describeHealth: adaptUnary(() => Promise.resolve(describeHealth(broker)), { onDefect }),

    ...brokerHandlers(broker, onDefect),
    ...replicaHandlers(broker, onDefect),
    ...transferHandlers(broker, onDefect),
  };
}

/** The page token is the name of the last topic of the page before: it stays valid as topics come and go. */
function listTopics(broker: Broker, pageSize: number, pageToken: string): ListTopicsResponse {
  const rest = sortedTopics(broker).filter(({ topic }) => topic > pageToken);
  const page = rest.slice(0, pageSize);
  return {
    topics: page.map(({ topic, partitions, replicationFactor }) => ({
      topic,
      partitionCount: partitions.length,
      replicationFactor,
    })),
    nextPageToken: rest.length > page.length ? (page.at(-1)?.topic ?? '') : '',
  };
}
