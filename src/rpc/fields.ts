/** Checks of request fields: each refuses with INVALID_REQUEST and names the field. */

import { Acks as WireAcks, FetchFormat } from '../../gen/bellwether/v1/log_service.js';
import type { Acks } from '../broker/partition-host.js';
import { topicNameProblem } from '../cluster/topic-name.js';
import { addressProblem, isBrokerName, splitAddress } from '../config.js';
import { BellwetherError } from '../errors.js';
import {
  asGroupId,
  asLogIndex,
  asTerm,
  type GroupId,
  type LogIndex,
  type Term,
  TERM_MAX,
} from '../raft/types.js';

const ACKS: Readonly<Record<number, Acks>> = {
  [WireAcks.UNSPECIFIED]: 'all',
  [WireAcks.NONE]: 'none',
  [WireAcks.LEADER]: 'leader',
  [WireAcks.ALL]: 'all',
};

/** The greatest int32. */
export const INT32_MAX = 2_147_483_647;

/** Longest name of a broker or a consumer group, in characters. */
const NAME_CHARACTERS_MAX = 249;

export function invalid(field: string, problem: string, value?: string | number): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', `${field}: ${problem}`, {
    metadata: { field, ...(value === undefined ? {} : { value: String(value).slice(0, 100) }) },
  });
}

export function topicField(value: string): string {
  const problem = topicNameProblem(value);
  if (problem !== undefined) throw invalid('topic', problem, value);
  return value;
}

export function partitionField(value: number): number {
  return intField('partition', value, 0, INT32_MAX);
}

/** An offset, or a time in milliseconds since the Unix epoch: an integer from 0. */
export function offsetField(field: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(field, 'must be an integer from 0', value);
}

export function acksField(value: WireAcks): Acks {
  const acks = ACKS[value];
  if (acks === undefined) throw invalid('acks', 'must be NONE, LEADER or ALL', value);
  return acks;
}

/** RECORDS unless RECORD_BATCHES are wanted. */
export function formatField(value: FetchFormat): FetchFormat {
  if (value === FetchFormat.UNSPECIFIED) return FetchFormat.RECORDS;
  if (value === FetchFormat.RECORDS || value === FetchFormat.RECORD_BATCHES) return value;
  throw invalid('format', 'must be RECORDS or RECORD_BATCHES', value);
}

/** An integer in [min, max]. */
export function intField(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(field, `must be an integer from ${String(min)} to ${String(max)}`, value);
}

export function termField(value: number): Term {
  return asTerm(intField('term', value, 0, TERM_MAX));
}

export function indexField(value: number): LogIndex {
  return asLogIndex(intField('index', value, 0, Number.MAX_SAFE_INTEGER));
}

export function groupField(value: number): GroupId {
  return asGroupId(intField('group', value, 0, Number.MAX_SAFE_INTEGER));
}

/** As `intField`, with 0 (proto3's "not set") taken as the default. */
export function intFieldOr(field: string, value: number, fallback: number, min: number, max: number): number {
  return value === 0 ? fallback : intField(field, value, min, max);
}

/** An optional integer in [min, max]; undefined stays undefined. */
export function optionalInt(
  field: string,
  value: number | undefined,
  min: number,
  max: number,
): number | undefined {
  return value === undefined ? undefined : intField(field, value, min, max);
}

export function nameField(field: string, value: string): string {
  if (value === '') throw invalid(field, 'must not be empty');
  if (value.length > NAME_CHARACTERS_MAX) {
    throw invalid(field, `must have at most ${String(NAME_CHARACTERS_MAX)} characters`);
  }
  return value;
}

/** The name of a broker that may not be there yet. */
export function brokerField(field: string, value: string): string {
  if (isBrokerName(value)) return value;
  throw invalid(field, 'must have 1 to 64 characters a-z, A-Z, 0-9, ".", "_" or "-"', value);
}

/** HOST:PORT with a port that others can connect to. */
export function addressField(field: string, value: string): string {
  const problem = addressProblem(value);
  if (problem !== undefined) throw invalid(field, problem, value);
  if (splitAddress(value).port === 0)
    throw invalid(field, 'must have the port that the broker listens on', value);
  return value;
}

/** A list without a name that stands in it twice. */
export function distinctField(field: string, value: readonly string[]): readonly string[] {
  const twice = value.find((each, i) => value.indexOf(each) !== i);
  if (twice === undefined) return value;
  throw invalid(field, 'must not name a broker twice', twice);
}

/** A list of `min` to `max` elements. */
export function listField<T>(field: string, value: readonly T[], min: number, max: number): readonly T[] {
  if (value.length >= min && value.length <= max) return value;
  throw invalid(field, `must have ${String(min)} to ${String(max)} elements`, value.length);
}
