import { describe, expect, it } from 'vitest';
import { ADDRESSES_MAX, BrokerDirectory, FAILED_LAST_MS } from '../../src/client/broker-directory.js';

describe('BrokerDirectory', () => {
  it('keeps to one broker until that one fails, then goes round', () => {
    const directory = new BrokerDirectory(['a:1', 'b:1']);
    expect([directory.pick(), directory.pick()]).toEqual(['a:1', 'a:1']);
    directory.failed('a:1');
    expect(directory.pick()).toBe('b:1');
    directory.failed('b:1');
    expect(directory.pick()).toBe('a:1');
  });

  it('moves on once when many calls report the same broker', () => {
    const directory = new BrokerDirectory(['a:1', 'b:1', 'c:1']);
    directory.failed('a:1');
    directory.failed('a:1');
    expect(directory.pick()).toBe('b:1');
  });

  it('avoids a broker unless there is no other', () => {
    expect(new BrokerDirectory(['a:1', 'b:1']).pick('a:1')).toBe('b:1');
    expect(new BrokerDirectory(['a:1']).pick('a:1')).toBe('a:1');
  });

  it('keeps the given addresses and the broker in use when it learns others', () => {
    const directory = new BrokerDirectory(['a:1', 'b:1']);
    directory.failed('a:1');
    directory.learn([
      { id: 'n3', address: 'c:1' },
      { id: 'n2', address: 'b:1' },
    ]);
    expect(directory.pick()).toBe('b:1');
    expect(directory.size).toBe(3);
    expect(directory.addressOf('n3')).toBe('c:1');
    directory.learn([]);
    expect(directory.size).toBe(2);
  });

  it('stays within its bound', () => {
    const directory = new BrokerDirectory(['a:1']);
    directory.learn(Array.from({ length: 1000 }, (_, n) => ({ id: `n${n}`, address: `h:${n + 1}` })));
    expect(directory.size).toBe(ADDRESSES_MAX);
  });

  it('asks a broker that failed after all others, for a while', () => {
    let nowMs = 0;
    const directory = new BrokerDirectory(['a:1', 'b:1', 'c:1'], () => nowMs);
    directory.failed('b:1'); // Not the one in use.
    directory.failed('a:1');
    expect([directory.pick(), directory.pick('c:1'), directory.other('c:1', 0)]).toEqual([
      'c:1',
      'b:1',
      'a:1',
    ]);
    nowMs = FAILED_LAST_MS;
    expect([directory.pick(), directory.pick('b:1')]).toEqual(['b:1', 'c:1']);
  });

  it('names others in turn, those that failed only when there is no other', () => {
    const directory = new BrokerDirectory(['a:1', 'b:1', 'c:1'], () => 0);
    expect([0, 1, 2].map((turn) => directory.other('a:1', turn))).toEqual(['b:1', 'c:1', 'b:1']);
    directory.failed('b:1');
    expect([0, 1].map((turn) => directory.other('a:1', turn))).toEqual(['c:1', 'c:1']);
    expect(new BrokerDirectory(['a:1']).other('a:1', 0)).toBeUndefined();
  });
});
