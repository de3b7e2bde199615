/**
 * Finds the exact source text of a member in JSON text, so that numbers which JavaScript would round
 * come back as they went in. The text must be one that JSON.parse accepts; nothing here recurses.
 */
import { invariant } from '../invariant.js';

interface Span {
  /** Index of the first character of the value. */
  readonly start: number;
  /** Index after its last character. */
  readonly end: number;
}

/** Source text of the member at `path`, e.g. ['body', 'value']. Undefined when there is none. */
export function memberSource(text: string, path: readonly string[]): string | undefined {
  let span: Span = { start: skipSpace(text, 0), end: text.length };
  for (const name of path) {
    const member = lastMember(text, span.start, name);
    if (member === undefined) return undefined;
    span = member;
  }
  return text.slice(span.start, span.end);
}

/** Index after the string literal that starts at `start`. */
export function stringEnd(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '"') return index + 1;
    if (text[index] === '\\') index++;
  }
  return unfinished();
}

/** Index after the number, true, false or null that starts at `start`. */
export function literalEnd(text: string, start: number): number {
  let index = start;
  while (index < text.length && !endsLiteral(text[index])) index++;
  return index;
}

/** Whether the character is one of JSON's four white-space characters. */
export function isJsonSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

/** Of members with the same name the last counts, as in JSON.parse. */
function lastMember(text: string, objectStart: number, name: string): Span | undefined {
  if (text[objectStart] !== '{') return undefined;
  let found: Span | undefined;
  let index = skipSpace(text, objectStart + 1);
  while (text[index] === '"') {
    const nameEnd = stringEnd(text, index);
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    if (JSON.parse(text.slice(index, nameEnd)) === name) found = { start, end };
    index = skipSpace(text, end);
    if (text[index] === ',') index = skipSpace(text, index + 1);
  }
  return found;
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') return literalEnd(text, start);
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const character = text[index];
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    index = character === '"' ? stringEnd(text, index) : index + 1;
    if (depth === 0) return index;
  }
  return unfinished();
}

function skipSpace(text: string, start: number): number {
  let index = start;
  while (isJsonSpace(text[index])) index++;
  return index;
}

function endsLiteral(character: string | undefined): boolean {
  return character === ',' || character === ']' || character === '}' || isJsonSpace(character);
}

function unfinished(): never {
  invariant(false, 'only text that JSON.parse accepts is scanned');
}
