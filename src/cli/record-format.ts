/** How `consume -f` prints a record: kcat's format strings, compiled once, to bytes. */
import { InvalidArgumentError } from 'commander';
import type { ConsumedRecord } from '../client/index.js';
import { escapedBytes } from './escapes.js';

/** What a record is printed with. */
export interface Printed {
  readonly topic: string;
  readonly partition: number;
  readonly record: ConsumedRecord;
}

/** The bytes of one record. */
export type RecordFormat = (printed: Printed) => Uint8Array;

type Piece = (printed: Printed) => Uint8Array | string;

/** What follows a percent sign. `nullText` stands for a key or value that is null. */
function fields(nullText: string): Readonly<Record<string, Piece>> {
  return {
    t: ({ topic }) => topic,
    p: ({ partition }) => String(partition),
    o: ({ record }) => String(record.offset),
    T: ({ record }) => String(record.timestampMs),
    k: ({ record }) => record.key ?? nullText,
    s: ({ record }) => record.value ?? nullText,
    K: ({ record }) => String(record.key?.length ?? -1),
    S: ({ record }) => String(record.value?.length ?? -1),
    h: ({ record }) => headersText(record, nullText),
    '%': () => '%',
  };
}

/**
 * Compiles a format of kcat: %t topic, %p partition, %o offset, %k key, %s value, %K and %S their lengths in
 * bytes (-1 for null), %T timestamp in milliseconds, %h headers as key=value,..., %% a percent sign; and the
 * escapes \n \r \t \0 \\ and \xHH.
 *
 * @throws InvalidArgumentError that names what it does not know.
 */
export function recordFormat(text: string, nullText: string): RecordFormat {
  const known = fields(nullText);
  const pieces: Piece[] = [];
  for (const [token] of text.matchAll(/%.?|\\x[0-9a-fA-F]{2}|\\.?|[^%\\]+/gsu)) {
    pieces.push(pieceOf(token, known));
  }
  return (printed) =>
    Buffer.concat(
      pieces.map((piece) => {
        const part = piece(printed);
        return typeof part === 'string' ? Buffer.from(part) : part;
      }),
    );
}

function pieceOf(token: string, known: Readonly<Record<string, Piece>>): Piece {
  const name = token.slice(1);
  if (token.startsWith('%')) {
    if (Object.hasOwn(known, name)) return known[name] ?? (() => '');
    throw new InvalidArgumentError(
      `"${token}" is unknown: it has ${Object.keys(known).join(' ')} after "%".`,
    );
  }
  const bytes = escapedBytes(token);
  return () => bytes;
}

function headersText({ headers }: ConsumedRecord, nullText: string): Uint8Array {
  const parts = headers.flatMap(({ key, value }, i) => [
    Buffer.from(`${i === 0 ? '' : ','}${key}=`),
    value ?? Buffer.from(nullText),
  ]);
  return Buffer.concat(parts);
}
