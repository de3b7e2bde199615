/** The escapes of kcat in flags: \n \r \t \0 \\ and \xHH, as bytes. One parser for all flags that take them. */
import { InvalidArgumentError } from 'commander';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };

/**
 * The bytes of `token`: one escape, or text without a backslash.
 *
 * @throws InvalidArgumentError for an escape that it does not know.
 */
export function escapedBytes(token: string): Uint8Array {
  if (!token.startsWith('\\')) return Buffer.from(token);
  const name = token.slice(1);
  if (/^x[0-9a-fA-F]{2}$/.test(name)) return Uint8Array.of(Number.parseInt(name.slice(1), 16));
  const escaped = ESCAPES[name];
  if (escaped !== undefined) return Buffer.from(escaped);
  throw new InvalidArgumentError(`"${token}" is unknown: use \\n \\r \\t \\0 \\\\ \\xHH.`);
}

/**
 * Parses what separates key and value: at least one byte, escapes understood.
 *
 * @throws InvalidArgumentError when it is empty, or has an escape that is unknown.
 */
export function delimiter(text: string): Uint8Array {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  const tokens = [...text.matchAll(/\\x[0-9a-fA-F]{2}|\\.?|[^\\]+/gsu)];
  return Buffer.concat(tokens.map(([token]) => escapedBytes(token)));
}
