/** The small parts of verify: values in records, the pace of writers, and how long nobody got an answer. */
import { describe, expect, it } from 'vitest';
import { Outages } from '../../src/verify/outages.js';
import { Pace } from '../../src/verify/pace.js';
import { decodeValue, encodeValue, FOREIGN_VALUE } from '../../src/verify/value-text.js';

describe('values in records', () => {
  it('come back, and a single byte that is not as it was is noticed', () => {
    const bytes = encodeValue(1_234, 100);
    expect(bytes.length).toBe(100);
    expect(decodeValue(bytes, 100)).toBe(1_234);
    for (const at of [0, 3, 4, 99]) {
      const damaged = bytes.slice();
      damaged[at] = 120;
      expect(decodeValue(damaged, 100)).toBe(FOREIGN_VALUE);
    }
    expect(decodeValue(bytes.subarray(0, 99), 100)).toBe(FOREIGN_VALUE);
    expect(decodeValue(undefined, 100)).toBe(FOREIGN_VALUE);
  });
});

describe('Pace', () => {
  it('spreads records evenly, and does not make good for a long outage', () => {
    const pace = new Pace(100, 1_000);
    expect(pace.waitMs(1_000, 5)).toBe(0);
    expect(pace.waitMs(1_000, 5)).toBe(50);
    expect(pace.waitMs(1_100, 1)).toBe(0);
    // Ten seconds without an answer: half a second of it is caught up with, not ten.
    let caughtUp = 0;
    while (pace.waitMs(11_100, 1) === 0) caughtUp += 1;
    expect(caughtUp).toBe(51);
  });
});

describe('Outages', () => {
  it('last from the first write that asked in vain to the next acknowledgement', () => {
    const outages = new Outages();
    outages.asked(100);
    outages.ended(110, true);
    // Nobody asks: no outage.
    outages.asked(1_000);
    outages.ended(1_200, false);
    outages.asked(1_250);
    outages.ended(1_300, true);
    expect(outages.longestMs(9_000)).toBe(300);
  });

  it('end for whoever still waits when another writer gets an answer', () => {
    const outages = new Outages();
    outages.asked(0);
    outages.asked(90);
    outages.ended(100, true);
    outages.ended(150, true);
    expect(outages.longestMs(200)).toBe(100);
  });

  it('count while they go on', () => {
    const outages = new Outages();
    outages.asked(0);
    outages.ended(50, false);
    expect(outages.longestMs(400)).toBe(400);
  });
});
