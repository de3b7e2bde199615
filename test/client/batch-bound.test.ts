/** A topic's limit on batches is believed for a while, and no longer. */
import { expect, it } from 'vitest';
import { BatchBound, LIMIT_BELIEVED_MS } from '../../src/client/batch-bound.js';

const ASKED_BYTES = 262_144;

it('batches are as large as was asked for, until the topic refuses one', () => {
  const bound = new BatchBound(ASKED_BYTES);
  expect(bound.at(0)).toBe(ASKED_BYTES);
  bound.refused(700, 10);
  expect(bound.at(10)).toBe(700);
});

it('the lowest limit holds, as long as any of them is believed', () => {
  const bound = new BatchBound(ASKED_BYTES);
  bound.refused(700, 0);
  bound.refused(900, LIMIT_BELIEVED_MS - 1);
  expect(bound.at(2 * LIMIT_BELIEVED_MS - 2)).toBe(700);
});

it('the size that was asked for is tried again after a while, and again after each refusal', () => {
  const bound = new BatchBound(ASKED_BYTES);
  for (const refusedMs of [0, LIMIT_BELIEVED_MS, 5 * LIMIT_BELIEVED_MS]) {
    bound.refused(700, refusedMs);
    expect(bound.at(refusedMs + LIMIT_BELIEVED_MS - 1)).toBe(700);
    expect(bound.at(refusedMs + LIMIT_BELIEVED_MS)).toBe(ASKED_BYTES);
  }
});

it('a higher limit than before takes the place of one that is believed no more', () => {
  const bound = new BatchBound(ASKED_BYTES);
  bound.refused(700, 0);
  bound.refused(900, LIMIT_BELIEVED_MS);
  expect(bound.at(LIMIT_BELIEVED_MS)).toBe(900);
});
