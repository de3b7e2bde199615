/** SDK calls that read and change the configuration of topics. */
import {
  AdminServiceService,
  TopicConfigSource as WireSource,
  type TopicConfigEntry as WireEntry,
} from '../../gen/bellwether/v1/admin_service.js';
import { checkObject, checkText, checkTexts } from './checked-argument.js';
import { checkNames } from './checked-option.js';
import { toTopic } from './convert.js';
import type { Session } from './session.js';
import type { CallOptions } from './types-base.js';
import type {
  TopicConfig,
  TopicConfigChange,
  TopicConfigEntry,
  TopicDescription,
} from './types-topic-config.js';

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
  checkObject('set', set);
  checkTexts('reset', reset);
  const { config } = await session.call({
    method: AdminServiceService.alterTopicConfig,
    request: () => ({ topic, set: toWireConfig(set), reset: [...reset] }),
    effect: 'idempotent_write',
    route: session.anyBroker(),
    options,
  });
  return config.map(toEntry);
}

export function toWireConfig(config: TopicConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

function toEntry({ name, value, source, unit }: WireEntry): TopicConfigEntry {
  return { name, value: Number(value), source: SOURCES[source] ?? 'UNKNOWN', unit };
}

const SOURCES: Readonly<Record<number, TopicConfigEntry['source']>> = {
  [WireSource.DEFAULT]: 'DEFAULT',
  [WireSource.TOPIC]: 'TOPIC',
};
