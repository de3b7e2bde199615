/** A log that is correct by construction, and what its clients see of it: histories without anomalies. */
import type { Operation, Poll, ReadRecord } from '../../src/history/types.js';
import { assigned, polled, pollFailed, refused, sent, unheard } from './operations.js';

/** What a client does next. Processes 0 to 2 send; 10 to 12 poll. */
export type Step =
  | { readonly do: 'send'; readonly process: number; readonly fate: 'acknowledged' | 'refused' }
  /** Appended at once, by a later `apply`, or never. */
  | { readonly do: 'send'; readonly process: number; readonly fate: 'unheard' | 'late' | 'never' }
  | { readonly do: 'apply' }
  | { readonly do: 'poll'; readonly process: number; readonly recordsMax: number }
  | { readonly do: 'refused-poll'; readonly process: number }
  | { readonly do: 'assign'; readonly process: number; readonly to: number };

/** Processes that read everything at the end: one in polls of three records, one in a single poll. */
export const CHUNK_READER = 20;
export const WHOLE_READER = 21;
const CHUNK_RECORDS = 3;

export interface ModelRun {
  readonly history: Operation[];
  /** Values by offset. */
  readonly log: readonly number[];
}

/** Plays `steps` on a correct log, then reads it to the end twice. */
export function playOnModel(steps: readonly Step[]): ModelRun {
  const history: Operation[] = [];
  const log: number[] = [];
  const late: number[] = [];
  const positions = new Map<number, number>();
  let nextValue = 100;

  const poll = (process: number, recordsMax: number): Poll => {
    const from = positions.get(process) ?? 0;
    const records = recordsOf(log).slice(from, from + recordsMax);
    positions.set(process, from + records.length);
    return polled(process, records, { from });
  };
  for (const step of steps) {
    if (step.do === 'poll') history.push(poll(step.process, step.recordsMax));
    else if (step.do === 'refused-poll') history.push(pollFailed(step.process, log.length + 1));
    else if (step.do === 'assign') {
      positions.set(step.process, Math.min(step.to, log.length));
      history.push(assigned(step.process));
    } else if (step.do === 'apply') {
      const value = late.shift();
      if (value !== undefined) log.push(value);
    } else {
      const value = nextValue++;
      if (step.fate === 'refused') history.push(refused(step.process, value));
      else if (step.fate === 'acknowledged') history.push(sent(step.process, value, log.push(value) - 1));
      else history.push(unheard(step.process, value));
      if (step.fate === 'unheard') log.push(value);
      if (step.fate === 'late') late.push(value);
    }
  }
  while ((positions.get(CHUNK_READER) ?? 0) < log.length) history.push(poll(CHUNK_READER, CHUNK_RECORDS));
  history.push(poll(WHOLE_READER, log.length));
  return { history, log };
}

function recordsOf(log: readonly number[]): ReadRecord[] {
  return log.map((value, offset) => [offset, value]);
}
