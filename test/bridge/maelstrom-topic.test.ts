import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topicOfKey } from '../../src/bridge/maelstrom-topic.js';

describe('topicOfKey', () => {
  it('keeps letters, digits and "-", and writes every other byte as _xx', () => {
    expect(topicOfKey('k-1')).toBe('maelstrom.k-1');
    expect(topicOfKey('a_b.c é')).toBe('maelstrom.a_5fb_2ec_20_c3_a9');
    expect(topicOfKey('')).toBe('maelstrom.');
  });

  it('has no topic for a key that needs more than 249 characters or is not Unicode', () => {
    expect(topicOfKey('k'.repeat(239))).toHaveLength(249);
    expect(topicOfKey('k'.repeat(240))).toBeUndefined();
    expect(topicOfKey('é'.repeat(40))).toBeUndefined();
    expect(topicOfKey('\ud800')).toBeUndefined();
  });

  it('gives a topic only characters that topics have, and different keys different topics', () => {
    const key = fc.string({ unit: 'binary', maxLength: 19 });
    fc.assert(
      fc.property(key, key, (one, other) => {
        expect(topicOfKey(one)).toMatch(/^[A-Za-z0-9._-]{1,249}$/);
        expect(topicOfKey(one) === topicOfKey(other)).toBe(one === other);
      }),
    );
  });
});
