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
