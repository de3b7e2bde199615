/** What a caller gives, checked: plain JavaScript is held to the types too. */
import { inspect } from 'node:util';
import { BellwetherError } from '../errors.js';

/** @throws BellwetherError INVALID_REQUEST, naming the option, unless `value` is a whole number in the bounds. */
export function checkedOption(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `${field} must be a whole number from ${min} to ${max}, got ${shown(value)}`,
    { metadata: { field, min: String(min), max: String(max) } },
  );
}

/** @throws BellwetherError INVALID_REQUEST, with what is allowed, unless `value` is one of `allowed`. */
export function checkedChoice<Choice>(field: string, value: Choice, allowed: readonly Choice[]): Choice {
  if (allowed.includes(value)) return value;
  const list = allowed.map(shown).join(', ');
  throw new BellwetherError('INVALID_REQUEST', `${field} must be one of ${list}; got ${shown(value)}`, {
    metadata: { field, allowed: list },
  });
}

/**
 * Holds plain JavaScript to the names of the options: one that is misspelt would be left at its default in silence.
 *
 * @param whose what the options are of, such as `producer`
 * @param names every option that there is
 * @throws BellwetherError INVALID_REQUEST, with the names that there are
 */
export function checkNames<Options extends object>(
  whose: string,
  options: Options,
  names: Readonly<Record<keyof Options, true>>,
): void {
  if (!isObject(options)) {
    const allowed = Object.keys(names).join(', ');
    const message = `the options of ${whose} must be an object, got ${shown(options)}`;
    throw new BellwetherError('INVALID_REQUEST', message, { metadata: { field: 'options', allowed } });
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const allowed = Object.keys(names).join(', ');
  const message = `${whose} has no option ${shown(unknown)}; there are ${allowed}`;
  throw new BellwetherError('INVALID_REQUEST', message, { metadata: { field: unknown, allowed } });
}

/** Neither null, nor an array, nor bytes. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  return typeof value === 'object' && value !== null && !isList;
}

/** Longest part of a value in a message, in characters. */
const SHOWN_CHARS_MAX = 80;

/** A value as a message has it. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, SHOWN_CHARS_MAX);
}
