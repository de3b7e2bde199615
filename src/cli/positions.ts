/** Where `consume -o` begins. */
import { InvalidArgumentError } from 'commander';
import type { BellwetherClient, PartitionRef } from '../client/index.js';
import { moment, type Moment } from './arguments.js';

/** `last` counts back from the end of each partition. */
export type Position = 'beginning' | 'end' | { readonly offset: number } | { readonly last: number } | Moment;

/**
 * Parses `beginning`, `end`, an offset, `-N` for the last N records, or `@` and a time. `earliest` and `latest` are
 * understood, and so is kcat's `s@`.
 */
export function positionFlag(text: string): Position {
  if (text === 'beginning' || text === 'earliest') return 'beginning';
  if (text === 'end' || text === 'latest') return 'end';
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  if (/^-\d{1,15}$/.test(text)) return { last: Number(text.slice(1)) };
  const time = moment(text.replace(/^s@/, '@'));
  if (time !== undefined) return time;
  throw new InvalidArgumentError(
    'It must be "beginning", "end", an offset, -N for the last N records, or "@" and a time.',
  );
}

/** Where a partition begins and ends at one moment; the offset to begin at, inside it unless an offset was named. */
export interface Extent {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Asks the leader of a partition. A time after its last record is its end. */
export async function extentOf(client: BellwetherClient, ref: PartitionRef, at: Position): Promise<Extent> {
  const [{ offset: earliest }, { offset: end }] = await Promise.all([
    client.listOffsets(ref, 'earliest'),
    client.listOffsets(ref, 'latest'),
  ]);
  if (at === 'beginning') return { start: earliest, end };
  if (at === 'end') return { start: end, end };
  if ('timestampMs' in at) return { start: (await client.listOffsets(ref, at)).offset, end };
  return { start: 'offset' in at ? at.offset : Math.max(earliest, end - at.last), end };
}
