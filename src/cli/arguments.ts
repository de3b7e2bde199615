/** Parsers of command-line values. Each throws commander's error, which then names the flag. */
import { InvalidArgumentError } from 'commander';
import { TOPIC_CONFIG_NAMES } from '../client/index.js';
import type { TopicConfig, TopicConfigName } from '../client/index.js';
import { addressProblem, bootstrapBrokers, isBrokerName } from '../config.js';

/** Partitions of a topic at most, as brokers take them. */
export const PARTITIONS_MAX = 10_000;

/** Parses a whole number from `min` to `max`, both inclusive. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A moment, by the timestamps of records. */
export interface Moment {
  readonly timestampMs: number;
}

/**
 * Parses `@` and a time: milliseconds since the Unix epoch, or an ISO 8601 time with its zone, or a date, which
 * begins at midnight UTC. Undefined for a text without an `@`.
 */
export function moment(text: string): Moment | undefined {
  if (!text.startsWith('@')) return undefined;
  const time = text.slice(1);
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(time);
  const timestampMs = /^\d{1,15}$/.test(time) ? Number(time) : isIso ? Date.parse(time) : Number.NaN;
  if (timestampMs >= 0) return { timestampMs };
  throw new InvalidArgumentError(
    'After "@" it must be milliseconds since 1970, or a time such as 2026-01-31T08:00:00Z.',
  );
}

/** Parses an offset, a time as `moment`, or the word for where a partition begins or ends. */
export function offsetOrMoment(text: string): number | 'earliest' | 'latest' | Moment {
  const time = moment(text);
  if (time !== undefined) return time;
  if (text === 'earliest' || text === 'latest' || /^\d{1,15}$/.test(text)) return offsetOrPosition(text);
  throw new InvalidArgumentError('It must be a whole number, "earliest", "latest", or "@" and a time.');
}

/** Parses an offset, or the word for where a partition begins or ends. */
export function offsetOrPosition(text: string): number | 'earliest' | 'latest' {
  if (text === 'earliest' || text === 'latest') return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, "earliest" or "latest".');
}

/** Parses `HOST:PORT,HOST:PORT,...`. */
export function addresses(text: string): readonly string[] {
  return bootstrapBrokers(text).map((address) => {
    const problem = addressProblem(address);
    if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
    return address;
  });
}

/** A broker and where the other brokers reach it. */
export interface NamedAddress {
  readonly id: string;
  readonly address: string;
}

/** Parses `ID=HOST:PORT`. */
export function namedAddress(text: string): NamedAddress {
  const [id = '', address = '', ...rest] = text.split('=');
  if (rest.length > 0 || !isBrokerName(id) || addressProblem(address) !== undefined) {
    throw new InvalidArgumentError('It must be of the form ID=HOST:PORT.');
  }
  return { id, address };
}

/** Parses `ID,ID,...`, none of them twice. */
export function brokerNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isBrokerName(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no name of a broker.`);
  if (new Set(names).size < names.length) throw new InvalidArgumentError('It must not name a broker twice.');
  return names;
}

/** Parses `NAME=VALUE` of a topic's configuration, one of several; later ones take the place of earlier. */
export function configEntries(text: string, before: TopicConfig | undefined): TopicConfig {
  const [, key, value] = /^(?<key>[^=]+)=(?<value>-?\d{1,16})$/.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError('It must be of the form NAME=WHOLE-NUMBER.');
  }
  return { ...before, [configName(key)]: Number(value) };
}

/** Parses a name of a topic's configuration, one of several. */
export function configNames(
  text: string,
  before: readonly TopicConfigName[] = [],
): readonly TopicConfigName[] {
  return [...before, configName(text)];
}

function configName(text: string): TopicConfigName {
  const name = text.replaceAll('.', '_');
  const known = TOPIC_CONFIG_NAMES.find((each) => each === name);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`"${text}" is none of ${TOPIC_CONFIG_NAMES.join(', ')}.`);
}

/** Parses a text of at least one character. */
export function nonEmpty(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** Parses a time such as `500ms`, `3s` or `2m`, from `minMs` to `maxMs`, both inclusive, as milliseconds. */
export function durationMs(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
    const value = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
    if (value >= minMs && value <= maxMs) return value;
    throw new InvalidArgumentError(`It must be a time such as 3s or 500ms, from ${minMs} ms to ${maxMs} ms.`);
  };
}
