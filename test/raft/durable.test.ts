/** How far the disk has got, against a model that knows which entry each place of the disk holds. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Durable } from '../../src/raft/durable.js';
import { asLogIndex } from '../../src/raft/types.js';

/** Entries by index; each has a number of its own, so that one that replaced another is told from it. */
type Entries = readonly number[];

describe('what is durable', () => {
  it('is what the log and the disk have in common, whatever was cut off while writes were on the way', () => {
    const step = fc.record({ kind: fc.constantFrom('append', 'write', 'cut', 'sync'), by: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const durable = new Durable(asLogIndex(0));
        let log: Entries = [];
        let disk: Entries = [];
        let writes: { sequence: number; log: Entries }[] = [];
        let sequence = 0;
        let serial = 0;
        for (const { kind, by } of steps) {
          if (kind === 'append') log = [...log, ...Array.from({ length: by + 1 }, () => (serial += 1))];
          else if (kind === 'write') {
            sequence += 1;
            durable.handedOut(sequence, asLogIndex(log.length));
            writes.push({ sequence, log });
          } else if (kind === 'cut') {
            log = log.slice(0, Math.max(0, log.length - by));
            durable.cutTo(asLogIndex(log.length));
          } else {
            const done = writes.slice(0, by + 1);
            writes = writes.slice(by + 1);
            disk = done.at(-1)?.log ?? disk;
            durable.persisted(done.at(-1)?.sequence ?? 0);
          }
          expect(durable.index).toBe(inCommon(log, disk));
          expect(durable.handedOutIndex).toBeLessThanOrEqual(log.length);
          expect(durable.index).toBeLessThanOrEqual(durable.handedOutIndex);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('begins with what a restart found', () => {
    const durable = new Durable(asLogIndex(7));
    expect([durable.index, durable.handedOutIndex]).toEqual([7, 7]);
  });
});

function inCommon(log: Entries, disk: Entries): number {
  const at = log.findIndex((entry, index) => disk[index] !== entry);
  return at === -1 ? log.length : at;
}
