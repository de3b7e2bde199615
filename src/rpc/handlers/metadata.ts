/** MetadataService: brokers, topics and leaders from memory. */

import type { MetadataServiceServer } from '../../../gen/bellwether/v1/metadata_service.js';
import type { Broker } from '../../broker/broker.js';
import { describeTopic as lookUpTopic } from '../../broker/topics.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { describeBrokers, describeController, describeTopic, sortedTopics } from '../describe.js';
import { listField, topicField } from '../fields.js';

/** Topics that one request may name. */
const TOPICS_MAX = 1_000;

export function metadataHandlers(broker: Broker, onDefect: OnDefect): ServiceHandlers<MetadataServiceServer> {
  return {
    metadata: adaptUnary(
      (request) => {
        const names = listField('topics', request.topics, 0, TOPICS_MAX);
        const topics =
          names.length === 0
            ? sortedTopics(broker)
            : [...new Set(names)].sort().map((name) => lookUpTopic(broker, topicField(name)));
        return Promise.resolve({
          clusterId: broker.cluster.state.clusterId,
          brokers: describeBrokers(broker),
          topics: topics.map((topic) => describeTopic(broker, topic)),
          controller: describeController(broker).controller,
        });
      },
      { onDefect },
    ),
  };
}
