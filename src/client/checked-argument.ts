/** The arguments of the SDK's methods, checked before anything is sent: plain JavaScript is held to the types too. */
import { BellwetherError } from '../errors.js';
import { checkedOption, isObject, shown } from './checked-option.js';
import type { PartitionRef } from './types-base.js';

const INT32_MAX = 2 ** 31 - 1;

/**
 * @param field what the argument is called
 * @throws BellwetherError INVALID_REQUEST, naming the field, unless `ref` has a topic and a partition from 0
 */
export function checkRef(ref: PartitionRef, field = 'ref'): void {
  if (!isObject(ref)) throw invalid(field, 'a partition must be { topic, partition }', ref);
  checkText('topic', ref.topic);
  checkedOption('partition', ref.partition, 0, INT32_MAX);
}

/** @throws BellwetherError INVALID_REQUEST, naming the field, unless `text` is text, of at least one character */
export function checkText(field: string, text: string): void {
  if (typeof text !== 'string' || text === '') throw invalid(field, `${field} must be text`, text);
}

/** @throws BellwetherError INVALID_REQUEST, naming the field, unless `list` is an array */
export function checkList(field: string, list: readonly unknown[]): void {
  const given: unknown = list;
  if (!Array.isArray(given)) throw invalid(field, `${field} must be an array`, given);
}

/** @throws BellwetherError INVALID_REQUEST, naming the field, unless `texts` is an array of texts */
export function checkTexts(field: string, texts: readonly string[]): void {
  checkList(field, texts);
  for (const [index, text] of texts.entries()) checkText(`${field}[${index}]`, text);
}

/** @throws BellwetherError INVALID_REQUEST, naming the field, unless `value` is an object */
export function checkObject(field: string, value: object): void {
  if (!isObject(value)) throw invalid(field, `${field} must be an object`, value);
}

function invalid(field: string, what: string, got: unknown): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', `${what}, got ${shown(got)}`, { metadata: { field } });
}
