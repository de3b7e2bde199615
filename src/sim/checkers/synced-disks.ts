/** What is on the disks that a broker has, or had before it lost them. */

import type { DurableImage } from '../durable-image.js';

export interface SyncedDisk {
  readonly broker: string;
  readonly incarnation: string;
  readonly image: DurableImage;
}

/**
 * The disks of a broker that may count for a replica whose metadata names `registered` as its incarnation, none when
 * that is empty: this one and those after it, of which the broker has told it itself (broker/peers.ts takes the word of a
 * peer whose metadata is newer). What an earlier one had counts no more (B34).
 *
 * @param disks Of all brokers, in the order in which they were first used.
 */
export function disksThatCount(
  disks: readonly SyncedDisk[],
  broker: string,
  registered: string,
): readonly SyncedDisk[] {
  const own = disks.filter((disk) => disk.broker === broker);
  if (registered === '') return own;
  const known = own.findIndex(({ incarnation }) => incarnation === registered);
  return known < 0 ? [] : own.slice(known);
}
