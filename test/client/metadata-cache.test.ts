import { describe, expect, it } from 'vitest';
import { CACHED_PARTITIONS_MAX, MetadataCache } from '../../src/client/metadata-cache.js';

const P0 = { topic: 'orders', partition: 0 };
const P1 = { topic: 'orders', partition: 1 };

describe('MetadataCache', () => {
  it('adopts a newer term only (KIP-951)', () => {
    const cache = new MetadataCache();
    expect(cache.adopt(P0, { address: 'a:1', term: 3 })).toBe(true);
    expect(cache.adopt(P0, { address: 'b:1', term: 3 })).toBe(false);
    expect(cache.adopt(P0, { address: 'b:1', term: 2 })).toBe(false);
    expect(cache.leader(P0)).toEqual({ address: 'a:1', term: 3 });
    expect(cache.adopt(P0, { address: 'b:1', term: 4 })).toBe(true);
    expect(cache.leader(P0)).toEqual({ address: 'b:1', term: 4 });
  });

  it('adopts nobody without an address', () => {
    const cache = new MetadataCache();
    expect(cache.adopt(P0, { address: '', term: 9 })).toBe(false);
    expect(cache.leader(P0)).toBeUndefined();
  });

  it('accepts any term after it forgot: a topic made anew begins with term 1', () => {
    const cache = new MetadataCache();
    cache.adopt(P0, { address: 'a:1', term: 9 });
    cache.forget(P0);
    expect(cache.adopt(P0, { address: 'b:1', term: 1 })).toBe(true);
  });

  it('forgets all leaderships of a broker and no others', () => {
    const cache = new MetadataCache();
    cache.adopt(P0, { address: 'a:1', term: 1 });
    cache.adopt(P1, { address: 'b:1', term: 1 });
    cache.forgetBroker('a:1');
    expect(cache.leader(P0)).toBeUndefined();
    expect(cache.leader(P1)).toEqual({ address: 'b:1', term: 1 });
  });

  it('stays within its bound by forgetting the oldest', () => {
    const cache = new MetadataCache();
    for (let partition = 0; partition <= CACHED_PARTITIONS_MAX; partition += 1) {
      cache.adopt({ topic: 't', partition }, { address: 'a:1', term: 1 });
    }
    expect(cache.leader({ topic: 't', partition: 0 })).toBeUndefined();
    expect(cache.leader({ topic: 't', partition: 1 })).toBeDefined();
    expect(cache.leader({ topic: 't', partition: CACHED_PARTITIONS_MAX })).toBeDefined();
  });
});
