/** The word "offset": the position of a record in its partition. Pure. */

import { invariant } from '../invariant.js';

declare const brand: unique symbol;

/** Position of a record in its partition, from 0, dense. Never a log index: those count Raft entries. */
export type Offset = number & { readonly [brand]: 'Offset' };

/** Brands `value`, which must be a safe integer from 0. */
export function asOffset(value: number): Offset {
  invariant(Number.isSafeInteger(value) && value >= 0, 'offset out of range', { value });
  return value as Offset;
}
