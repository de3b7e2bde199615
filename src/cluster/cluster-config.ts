/** The command that changes the configuration of a topic. Pure. */

import { accepted, type ClusterTables, refused, type Verdict } from './cluster-tables.js';
import type { AlterTopicConfig } from './commands.js';
import { altered, TOPIC_CONFIG_NAMES } from './topic-config.js';

/** Sets and resets entries; what is so already is accepted and changes nothing. */
export function alterTopicConfig(tables: ClusterTables, { topic, set, reset }: AlterTopicConfig): Verdict {
  const known = tables.topics.get(topic);
  if (known === undefined) {
    return refused('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`, { topic });
  }
  const config = altered(known.config, set, reset);
  if (TOPIC_CONFIG_NAMES.every((name) => config[name] === known.config[name])) return accepted();
  return accepted(tables.putConfig(known, config));
}
