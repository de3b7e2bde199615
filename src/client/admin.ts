/** SDK calls that administer topics and describe the cluster; those about brokers are in broker-admin.ts. */
import { AdminServiceService } from '../../gen/bellwether/v1/admin_service.js';
import { BellwetherError } from '../errors.js';
import { createBrokerAdmin, createReplicaAdmin } from './broker-admin.js';
import { checkCallOptions } from './call-options.js';
import { checkText } from './checked-argument.js';
import { checkedOption } from './checked-option.js';
import { toDescription, toTopic } from './convert.js';
import { createHealthAdmin } from './health.js';
import { initProducer } from './init-producer.js';
import type { Session } from './session.js';
import { alterTopicConfig, describeTopic, toWireConfig } from './topic-config.js';
import { transferLeadership } from './transfer.js';
import type { Admin, CallOptions, TopicSummary } from './types.js';

/** Topics asked for in one call of ListTopics. */
const PAGE_SIZE = 1000;

/** Pages read at most: a million topics. */
const PAGES_MAX = 1000;

/** Largest number of partitions or replicas that can be asked for; the brokers' bounds are below. */
const INT32_MAX = 2 ** 31 - 1;

/** The admin calls of one client. Creating and deleting are not sent again when in doubt. */
export function createAdmin(session: Session): Admin {
  return {
    async createTopic(topic, options) {
      checkText('topic', topic);
      const { partitions = 0, replicationFactor = 0, config = {} } = options ?? {}; // 0 is "the broker's default".
      const wireConfig = toWireConfig('config', config);
      checkedOption('partitions', partitions, 0, INT32_MAX);
      checkedOption('replicationFactor', replicationFactor, 0, INT32_MAX);
      const response = await session.call({
        method: AdminServiceService.createTopic,
        request: () => ({ topic, partitions, replicationFactor, config: wireConfig }),
        effect: 'write',
        route: session.anyBroker(),
        options,
        optionNames: { partitions: true, replicationFactor: true, config: true },
      });
      return toTopic(response.topic);
    },
    async deleteTopic(topic, options) {
      checkText('topic', topic);
      await session.call({
        method: AdminServiceService.deleteTopic,
        request: () => ({ topic }),
        effect: 'write',
        route: session.anyBroker(),
        options,
      });
    },
    listTopics: (options) => listTopics(session, options),
    describeTopic: (topic, options) => describeTopic(session, topic, options),
    alterTopicConfig: (topic, change, options) => alterTopicConfig(session, topic, change, options),
    async describeCluster(options) {
      const response = await session.call({
        method: AdminServiceService.describeCluster,
        request: () => ({}),
        effect: 'read',
        route: session.anyBroker(),
        options,
      });
      session.directory.learn(response.brokers);
      return toDescription(response);
    },
    ...createHealthAdmin(session),
    initProducer: (options) => initProducer(session, options),
    transferLeadership: (ref, options) => transferLeadership(session, ref, options),
    ...createBrokerAdmin(session),
    ...createReplicaAdmin(session),
  };
}

/** Reads all pages, each within what is left of the time. */
async function listTopics(session: Session, options: CallOptions | undefined): Promise<TopicSummary[]> {
  checkCallOptions('ListTopics', options);
  const deadlineMs = performance.now() + session.timeoutMs(options);
  const topics: TopicSummary[] = [];
  let pageToken = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const response = await session.call({
      method: AdminServiceService.listTopics,
      request: () => ({ pageSize: PAGE_SIZE, pageToken }),
      effect: 'read',
      route: session.anyBroker(),
      options: { timeoutMs: Math.max(1, Math.floor(deadlineMs - performance.now())) },
    });
    for (const { topic, partitionCount, replicationFactor } of response.topics) {
      topics.push({ topic, partitionCount, replicationFactor });
    }
    pageToken = response.nextPageToken;
    if (pageToken === '') return topics;
  }
  throw new BellwetherError('INTERNAL', `the list of topics did not end after ${PAGES_MAX} pages`);
}
