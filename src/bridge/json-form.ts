/**
 * Writes JSON in the documented form: separators ", " and ": ", members in the given order.
 *
 * That is the form of Python's json.dumps, with ensure_ascii=False: other characters than ASCII stay
 * UTF-8, because people read these lines and both forms parse to the same value. What could not be
 * UTF-8, half of a surrogate pair, is escaped, and so are control characters: a line stays one line.
 */
import { invariant } from '../invariant.js';
import { isJsonSpace, literalEnd, stringEnd } from './json-source.js';

/** Valid JSON text to be written as it is, but for the white space between its tokens. */
export class RawJson {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** What can be written. A Map is an object whose names come from outside: it keeps their order. */
export type Json =
  null | boolean | number | string | RawJson | readonly Json[] | ReadonlyMap<string, Json> | JsonObject;

/** An object whose names are ours; none of them is a number, so that it keeps their order. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** The text of `value`, without an end of line. Numbers must be finite. */
export function writeJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return writeNumber(value);
  if (value instanceof RawJson) return respace(value.source);
  if (isArray(value)) return `[${value.map(writeJson).join(', ')}]`;
  const members = isMap(value) ? [...value] : Object.entries(value);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${writeJson(member)}`).join(', ')}}`;
}

function writeNumber(value: number): string {
  invariant(Number.isFinite(value), 'JSON has finite numbers only', { value: String(value) });
  return JSON.stringify(value);
}

/** `Array.isArray` does not narrow read-only arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** `instanceof Map` forgets what is in the map. */
function isMap(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map;
}

/** Keeps every token of valid JSON text as it is and puts the documented separators between them. */
function respace(source: string): string {
  const tokens: string[] = [];
  let index = 0;
  while (index < source.length) {
    const end = tokenEnd(source, index);
    if (!isJsonSpace(source[index])) tokens.push(spaced(source.slice(index, end)));
    index = end;
  }
  return tokens.join('');
}

function tokenEnd(source: string, start: number): number {
  const first = source[start];
  if (first === '"') return stringEnd(source, start);
  return isPunctuation(first) || isJsonSpace(first) ? start + 1 : literalEnd(source, start);
}

function spaced(token: string): string {
  return token === ',' || token === ':' ? `${token} ` : token;
}

function isPunctuation(character: string | undefined): boolean {
  return character !== undefined && '{}[],:'.includes(character);
}
