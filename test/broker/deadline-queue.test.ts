import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../src/broker/deadline-queue.js';
import { asGroupId } from '../../src/raft/types.js';

const instant = fc.integer({ min: 0, max: 60 });
const command = fc.oneof(
  fc.record({ group: fc.integer({ min: 1, max: 12 }), atMs: instant }),
  fc.record({ takeMs: instant }),
);

describe('DeadlineQueue', () => {
  it('takes what a sorted list of the earliest deadline of each group would, in its order', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const queue = new DeadlineQueue();
        const model = new Map<number, number>();
        for (const each of commands) {
          if ('group' in each) {
            queue.note(asGroupId(each.group), each.atMs);
            model.set(each.group, Math.min(each.atMs, model.get(each.group) ?? Infinity));
          } else {
            const due = [...model].filter(([, atMs]) => atMs <= each.takeMs).sort((a, b) => a[1] - b[1]);
            const taken = queue.takeDue(each.takeMs);
            expect([...taken].sort()).toEqual(due.map(([group]) => group).sort());
            expect(taken.map((group) => model.get(group))).toEqual(due.map(([, atMs]) => atMs));
            for (const [group] of due) model.delete(group);
          }
          expect(queue.firstMs).toBeLessThanOrEqual(Math.min(Infinity, ...model.values()));
        }
      }),
    );
  });

  it('is never due for a group without a deadline', () => {
    const queue = new DeadlineQueue();
    for (let group = 1; group <= 10_000; group++) queue.note(asGroupId(group), Infinity);
    expect(queue.firstMs).toBe(Infinity);
    expect(queue.takeDue(Number.MAX_VALUE)).toEqual([]);
  });

  it('takes a group once, however often it was noted', () => {
    const queue = new DeadlineQueue();
    for (const atMs of [30, 20, 10, 20, 30]) queue.note(asGroupId(1), atMs);
    expect(queue.takeDue(100)).toEqual([1]);
    expect(queue.takeDue(100)).toEqual([]);
  });
});
