import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { asOffset } from '../../src/records/offset.js';

describe('offset', () => {
  it.each([0, 1, Number.MAX_SAFE_INTEGER])('accepts %d', (value) => {
    expect(asOffset(value)).toBe(value);
  });

  it.each([-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])('refuses %d', (value) => {
    expect(() => asOffset(value)).toThrow(InvariantError);
  });
});
