/** What a partition knows of its producers as bytes, for its snapshot (partition-snapshot.ts). Pure. */

import { invariant } from '../invariant.js';
import { asTerm } from '../raft/types.js';
import type { ByteCursor } from '../records/byte-cursor.js';
import { asOffset } from '../records/offset.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../records/varint.js';
import { PRODUCER_WINDOW_BATCHES, type ProducerBatch, type ProducerWindow } from './producer-state.js';

/** By producer id, in the order of the last append, which is part of the state: the oldest is forgotten first. */
export type Producers = ReadonlyMap<number, ProducerWindow>;

/** Bytes that `writeProducers` will write. */
export function producersSize(producers: Producers): number {
  let size = varintSize(producers.size);
  for (const [id, { epoch, batches }] of producers) {
    size += varlongSize(id) + varintSize(epoch) + varintSize(batches.length);
    for (const { firstSequence, lastSequence, baseOffset, term } of batches) {
      size +=
        varintSize(firstSequence) + varintSize(lastSequence) + varlongSize(baseOffset) + varlongSize(term);
    }
  }
  return size;
}

/**
 * Layout: number of producers varint; of each: id varlong, epoch varint, number of batches varint; of each
 * batch, oldest first: first and last sequence varint, base offset varlong, term varlong (varint.ts).
 *
 * @returns The position behind.
 */
export function writeProducers(bytes: Uint8Array, position: number, producers: Producers): number {
  let next = writeVarint(bytes, position, producers.size);
  for (const [id, { epoch, batches }] of producers) {
    next = writeVarlong(bytes, next, id);
    next = writeVarint(bytes, next, epoch);
    next = writeVarint(bytes, next, batches.length);
    for (const { firstSequence, lastSequence, baseOffset, term } of batches) {
      next = writeVarint(bytes, next, firstSequence);
      next = writeVarint(bytes, next, lastSequence);
      next = writeVarlong(bytes, next, baseOffset);
      next = writeVarlong(bytes, next, term);
    }
  }
  return next;
}

/** Reads what `writeProducers` wrote. @throws MalformedBytesError, or InvariantError, for anything else. */
export function readProducers(cursor: ByteCursor): Producers {
  const producers = new Map<number, ProducerWindow>();
  for (let left = readVarint(cursor); left > 0; left--) {
    const id = readVarlong(cursor);
    const epoch = readVarint(cursor);
    const count = readVarint(cursor);
    invariant(count >= 1 && count <= PRODUCER_WINDOW_BATCHES, 'a producer of as many batches as are kept', {
      id,
      count,
    });
    const batches: ProducerBatch[] = [];
    while (batches.length < count) {
      const firstSequence = readVarint(cursor);
      const lastSequence = readVarint(cursor);
      const baseOffset = asOffset(readVarlong(cursor));
      batches.push({ firstSequence, lastSequence, baseOffset, term: asTerm(readVarlong(cursor)) });
    }
    producers.set(id, { epoch, batches });
  }
  return producers;
}
