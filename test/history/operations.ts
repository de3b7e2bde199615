/** Short ways to write down a history. Times are of no interest to the checker and count up from 0. */
import type { Assign, Operation, Poll, ReadRecord, Send } from '../../src/history/types.js';

const KEY = 'orders/0';
const AT = { invokedAtMs: 0, completedAtMs: 1 };

/** An acknowledged send. */
export function sent(process: number, value: number, offset?: number, key = KEY): Send {
  return { kind: 'send', process, key, ...AT, outcome: 'ok', value, offset };
}

/** A send that was refused. */
export function refused(process: number, value: number, key = KEY): Send {
  return { kind: 'send', process, key, ...AT, outcome: 'failed', value };
}

/** A send of which nothing was heard again. */
export function unheard(process: number, value: number, key = KEY): Send {
  return {
    kind: 'send',
    process,
    key,
    invokedAtMs: 0,
    completedAtMs: undefined,
    outcome: 'unknown',
    value,
  };
}

/** A poll that returned `records`; it asked for the first of them unless `from` says otherwise. */
export function polled(
  process: number,
  records: readonly ReadRecord[],
  { from = records[0]?.[0] ?? 0, key = KEY }: { readonly from?: number; readonly key?: string } = {},
): Poll {
  return { kind: 'poll', process, key, ...AT, outcome: 'ok', from, records };
}

/** A poll that was refused. */
export function pollFailed(process: number, from: number): Poll {
  return { kind: 'poll', process, key: KEY, ...AT, outcome: 'failed', from, records: [] };
}

/** The process starts over. */
export function assigned(process: number): Assign {
  return { kind: 'assign', process, key: KEY, ...AT };
}

/** Values 0, 1, 2, ... acknowledged at the offsets 0, 1, 2, ... to process 1. */
export function sentInOrder(count: number): Operation[] {
  return Array.from({ length: count }, (_, i) => sent(1, i, i));
}
