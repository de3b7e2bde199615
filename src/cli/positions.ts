/** Where `consume -o` begins. */
import { InvalidArgumentError } from 'commander';
import type { BellwetherClient, PartitionRef } from '../client/index.js';
import { moment, type Moment } from './arguments.js';
import { offsetOutOfRange } from './offset-error.js';

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

/** Where a partition begins and ends at one moment; the offset to begin at, inside it. */
export interface Extent {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Asks the leader of a partition. A time after its last record is its end.
 *
 * @throws BellwetherError OFFSET_OUT_OF_RANGE for a named offset outside the partition.
 */
export async function extentOf(client: BellwetherClient, ref: PartitionRef, at: Position): Promise<Extent> {
  const [{ offset: earliest }, { offset: end }] = await Promise.all([
    client.listOffsets(ref, 'earliest'),
    client.listOffsets(ref, 'latest'),
  ]);
  if (at === 'beginning') return { start: earliest, end };
  if (at === 'end') return { start: end, end };
  if ('timestampMs' in at) return { start: (await client.listOffsets(ref, at)).offset, end };
  if ('last' in at) return { start: Math.max(earliest, end - at.last), end };
  if (at.offset >= earliest && at.offset <= end) return { start: at.offset, end };
  throw offsetOutOfRange(ref, at.offset, { logStart: earliest, highWatermark: end });
}
