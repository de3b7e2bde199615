/** Terms by index, as runs, against a plain list of them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Terms } from '../../src/raft/terms.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';

const step = fc.record({ kind: fc.constantFrom('push', 'push', 'cut', 'begin'), by: fc.nat(5) });

describe('the terms of a log', () => {
  it('are those of a plain list, whatever was appended, cut off and compacted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const terms = new Terms(asLogIndex(0), asTerm(0));
        /** The term of `base` first, then those behind. */
        let model = [0];
        let base = 0;
        for (const { kind, by } of steps) {
          const last = base + model.length - 1;
          if (kind === 'push') {
            const term = (model.at(-1) ?? 0) + (by === 0 ? 1 : 0);
            terms.push(asLogIndex(last + 1), asTerm(term));
            model.push(term);
          } else if (kind === 'cut') {
            const from = Math.max(base + 1, last - by);
            terms.cutFrom(asLogIndex(from));
            model = model.slice(0, from - base);
          } else {
            const next = Math.min(last, base + by);
            terms.beginAfter(asLogIndex(next), asTerm(model[next - base] ?? 0));
            model = model.slice(next - base);
            base = next;
          }
          check(terms, model, base);
        }
      }),
    );
  });
});

function check(terms: Terms, model: readonly number[], base: number): void {
  if (base > 0) expect(terms.at(asLogIndex(base - 1))).toBeUndefined();
  for (const [i, term] of model.entries()) {
    const index = base + i;
    expect(terms.at(asLogIndex(index))).toBe(term);
    for (const asked of [term - 1, term, term + 1]) {
      if (asked < 0) continue;
      let expected = index;
      while (expected >= base && (model[expected - base] ?? 0) > asked) expected -= 1;
      const found = terms.lastNotAbove(asLogIndex(index), asTerm(asked));
      expect(found).toBe(Math.max(0, expected));
    }
  }
}
