/** Kafka's default partitioner: the same key goes to the same partition as with Kafka's Java client. Pure. */

import { invariant } from '../invariant.js';

/** Constants of MurmurHash2 (Austin Appleby, public domain) and the seed of Kafka's Utils.murmur2. */
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;
const SEED = 0x9747b28c;

/** MurmurHash2 of `bytes` with Kafka's seed, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tailBytes = bytes.length % 4;
  const tail = bytes.length - tailBytes;
  let hash = SEED ^ bytes.length;
  for (let position = 0; position < tail; position += 4) {
    let word = Math.imul(view.getInt32(position, true), MULTIPLIER);
    word = Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  if (tailBytes > 2) hash ^= view.getUint8(tail + 2) << 16;
  if (tailBytes > 1) hash ^= view.getUint8(tail + 1) << 8;
  if (tailBytes > 0) hash = Math.imul(hash ^ view.getUint8(tail), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition, from 0, of a record with this key in a topic with `partitionCount` (at least 1) partitions. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  invariant(Number.isSafeInteger(partitionCount) && partitionCount >= 1, 'partition count out of range', {
    partitionCount,
  });
  // Not an absolute value: Kafka clears the sign bit (Utils.toPositive).
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
