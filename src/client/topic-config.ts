/** SDK calls that read and change the configuration of topics. */
import {
  AdminServiceService,
  TopicConfigSource as WireSource,
  type TopicConfigEntry as WireEntry,
} from '../../gen/bellwether/v1/admin_service.js';
import { checkObject, checkText, checkTexts } from './checked-argument.js';
import { checkedOption, checkNames } from './checked-option.js';
import { toTopic } from './convert.js';
import type { Session } from './session.js';
import type { CallOptions } from './types-base.js';
import type {
  TopicConfig,
  TopicConfigChange,
  TopicConfigEntry,
  TopicDescription,
} from './types-topic-config.js';

/** The least of all values: without limit. */
const NO_LIMIT = -1;

/** Describes one topic with its configuration. */
export async function describeTopic(
  session: Session,
  topic: string,
  options: CallOptions | undefined,
): Promise<TopicDescription> {
  checkText('topic', topic);
  const response = await session.call({
    method: AdminServiceService.describeTopic,
    request: () => ({ topic }),
    effect: 'read',
    route: session.anyBroker(),
    options,
  });
  return { ...toTopic(response.topic), config: response.config.map(toEntry) };
}

/** Sets and resets entries; sent again it changes nothing more. */
export async function alterTopicConfig(
  session: Session,
  topic: string,
  change: TopicConfigChange,
  options: CallOptions | undefined,
): Promise<TopicConfigEntry[]> {
  checkText('topic', topic);
  checkNames('alterTopicConfig', change, { set: true, reset: true });
  const { set = {}, reset = [] } = change;
  const wireSet = toWireConfig('set', set);
  checkTexts('reset', reset);
  const { config } = await session.call({
    method: AdminServiceService.alterTopicConfig,
    request: () => ({ topic, set: wireSet, reset: [...reset] }),
    effect: 'idempotent_write',
    route: session.anyBroker(),
    options,
  });
  return config.map(toEntry);
}

/**
 * Brokers know the names, and the bounds of each.
 *
 * @param field what the argument is called
 * @throws BellwetherError INVALID_REQUEST, naming the field, unless every value is a whole number from -1
 */
export function toWireConfig(field: string, config: TopicConfig): Record<string, string> {
  checkObject(field, config);
  const entries = Object.entries(config).map(([name, value]) => {
    const checked = checkedOption(`${field}.${name}`, value, NO_LIMIT, Number.MAX_SAFE_INTEGER);
    return [name, String(checked)];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

function toEntry({ name, value, source, unit }: WireEntry): TopicConfigEntry {
  return { name, value: Number(value), source: SOURCES[source] ?? 'UNKNOWN', unit };
}

const SOURCES: Readonly<Record<number, TopicConfigEntry['source']>> = {
  [WireSource.DEFAULT]: 'DEFAULT',
  [WireSource.TOPIC]: 'TOPIC',
};
