/** The configuration of a topic in its wire form: checked on the way in, described on the way out. */

import { type TopicConfigEntry, TopicConfigSource } from '../../gen/bellwether/v1/admin_service.js';
import {
  TOPIC_CONFIG,
  TOPIC_CONFIG_NAMES,
  type TopicConfigName,
  topicConfigName,
  topicConfigProblem,
  type TopicOverrides,
} from '../cluster/topic-config.js';
import { invalid } from './fields.js';

/** Entries to set. @throws BellwetherError INVALID_REQUEST that names the entry as `FIELD.NAME`. */
export function configField(field: string, entries: Readonly<Record<string, string>>): TopicOverrides {
  const set: Partial<Record<TopicConfigName, number>> = {};
  for (const [text, value] of Object.entries(entries)) {
    const name = knownName(field, text);
    const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    const problem = topicConfigProblem(name, number);
    if (problem !== undefined) throw invalid(`${field}.${name}`, problem, value);
    if (set[name] !== undefined) throw invalid(`${field}.${name}`, 'must not be named twice');
    set[name] = number;
  }
  return set;
}

/** Entries to reset, none of which is set in the same call. @throws BellwetherError INVALID_REQUEST */
export function configNamesField(
  field: string,
  names: readonly string[],
  set: TopicOverrides,
): readonly TopicConfigName[] {
  return names.map((text) => {
    const name = knownName(field, text);
    if (set[name] === undefined) return name;
    throw invalid(`${field}.${name}`, 'must not be set and reset at once');
  });
}

function knownName(field: string, text: string): TopicConfigName {
  const name = topicConfigName(text);
  if (name !== undefined) return name;
  throw invalid(`${field}.${text.slice(0, 100)}`, `is none of ${TOPIC_CONFIG_NAMES.join(', ')}`);
}

/** All entries, in a fixed order. */
export function describeConfig(overrides: TopicOverrides): TopicConfigEntry[] {
  return TOPIC_CONFIG_NAMES.map((name) => {
    const set = overrides[name];
    return {
      name,
      value: String(set ?? TOPIC_CONFIG[name].default),
      source: set === undefined ? TopicConfigSource.DEFAULT : TopicConfigSource.TOPIC,
      unit: TOPIC_CONFIG[name].unit,
    };
  });
}
