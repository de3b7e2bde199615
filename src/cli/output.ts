/** How commands print: data as a table or as JSON on stdout, errors on stderr. */
import Table from 'cli-table3';
import { BellwetherError } from '../errors.js';
import { AnomalyError } from './anomaly-error.js';
import type { CliOutput } from './io.js';
import { UnfinishedError } from './progress.js';
import { UnhealthyError } from './unhealthy.js';

/** What `--output` allows. */
export const FORMATS = ['table', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** One value of a table. Undefined is "none". */
export type Cell = string | number | boolean | readonly string[] | undefined;

/** One table. */
export interface Section {
  /** What a row is, such as "broker". */
  readonly name: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The data of one command in both forms. */
export interface Report {
  /** Keys in snake_case, as in the protocol. */
  readonly document: unknown;
  readonly sections: readonly Section[];
  /** What a terminal shows instead of the drawn sections. */
  readonly prose?: string | undefined;
}

/** A value that is absent, in tab-separated text (PostgreSQL's COPY format). */
const NULL_TEXT = '\\N';

/** A value that is absent, in a drawn table. */
const NULL_DRAWN = '-';

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/**
 * Prints `report`: one JSON document, or for people a drawn table, or for pipes tab-separated lines
 * without a head. With several sections a line begins with the name of its section.
 */
export async function print(out: CliOutput, format: Format, report: Report): Promise<void> {
  const { document, sections, prose } = report;
  if (format === 'json') return out.write(`${JSON.stringify(document)}\n`);
  if (out.isTty) return out.write(prose ?? sections.map(drawn).join(''));
  const lines = sections.flatMap(({ name, rows }) =>
    rows.map((row) => tabSeparated(sections.length > 1 ? [name, ...row] : row)),
  );
  return out.write(lines.join(''));
}

/** One line of tab-separated values, its end included. Tabs and line ends in values are escaped. */
export function tabSeparated(row: readonly Cell[]): string {
  return `${row.map((cell) => cellText(cell, NULL_TEXT)).join('\t')}\n`;
}

/** Bytes for JSON: text where they are UTF-8, else `{"base64": ...}`; null for none. */
export function jsonBytes(bytes: Uint8Array | undefined): string | { readonly base64: string } | null {
  if (bytes === undefined) return null;
  return utf8(bytes) ?? { base64: Buffer.from(bytes).toString('base64') };
}

/** Bytes for people: text, with U+FFFD for what is no UTF-8. */
export function textBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** Prints what went wrong, whether anything was applied, and what to do. */
export async function printError(err: CliOutput, error: unknown): Promise<void> {
  if (error instanceof BellwetherError) {
    const { reason, message, outcome, row } = error;
    await err.write(`bellwether: ${reason}: ${message}\n  outcome ${outcome}. ${row.action}\n`);
    return;
  }
  const isAnswer = [UnfinishedError, UnhealthyError, AnomalyError].some((kind) => error instanceof kind);
  if (isAnswer && error instanceof Error) return err.write(`bellwether: ${error.message}\n`);
  // A defect: the stack is what a report of it needs.
  await err.write(`bellwether: INTERNAL: ${error instanceof Error ? String(error.stack) : String(error)}\n`);
}

function drawn({ head, rows }: Section): string {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  table.push(...rows.map((row) => row.map((cell) => cellText(cell, NULL_DRAWN))));
  return `${table.toString()}\n`;
}

function cellText(cell: Cell, none: string): string {
  if (cell === undefined) return none;
  const text = typeof cell === 'object' ? cell.join(',') : String(cell);
  return text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Not UTF-8.
  }
}
