/**
 * The history of one partition in a compact form: a row of numbers for each batch that was sent and each poll,
 * and of what a poll returned only its runs. A run is a stretch in which offset and value both go up by one, as
 * the records of one batch do, so a record that is read again and again takes no room of its own.
 */
import type { Operation, Poll, ReadRecord, Send, SendOutcome } from '../history/types.js';
import { Column } from './column.js';

const OUTCOMES: readonly SendOutcome[] = ['ok', 'failed', 'unknown'];

const POLL_KINDS = ['ok', 'failed', 'assign'] as const;

/** Stands for an offset that nobody told. */
const NO_OFFSET = -1;

/** A batch of consecutive values. */
export interface SentBatch {
  readonly process: number;
  readonly firstValue: number;
  readonly count: number;
  readonly outcome: SendOutcome;
  /** Undefined when the client was not told. */
  readonly baseOffset: number | undefined;
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
}

/** A poll, or an assign: then there are no records, and `from` has no meaning. */
export interface PollRow {
  readonly process: number;
  readonly kind: (typeof POLL_KINDS)[number];
  readonly from: number;
  readonly records: readonly ReadRecord[];
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
}

export class PartitionHistory {
  readonly key: string;
  readonly #sends = columns(
    'process',
    'firstValue',
    'count',
    'outcome',
    'baseOffset',
    'invoked',
    'completed',
  );
  readonly #polls = columns('process', 'kind', 'from', 'invoked', 'completed', 'runsEnd');
  readonly #runs = columns('offset', 'value', 'count');

  constructor(key: string) {
    this.key = key;
  }

  addSend(batch: SentBatch): void {
    const { process, firstValue, count, baseOffset, invokedAtMs, completedAtMs } = batch;
    this.#sends.process.push(process);
    this.#sends.firstValue.push(firstValue);
    this.#sends.count.push(count);
    this.#sends.outcome.push(OUTCOMES.indexOf(batch.outcome));
    this.#sends.baseOffset.push(baseOffset ?? NO_OFFSET);
    this.#sends.invoked.push(invokedAtMs);
    this.#sends.completed.push(completedAtMs);
  }

  addPoll(row: PollRow): void {
    let previous: ReadRecord | undefined;
    let count = 0;
    for (const record of row.records) {
      if (previous !== undefined && record[0] === previous[0] + 1 && record[1] === previous[1] + 1) {
        this.#runs.count.setLast((count += 1));
      } else {
        this.#runs.offset.push(record[0]);
        this.#runs.value.push(record[1]);
        this.#runs.count.push((count = 1));
      }
      previous = record;
    }
    this.#polls.process.push(row.process);
    this.#polls.kind.push(POLL_KINDS.indexOf(row.kind));
    this.#polls.from.push(row.from);
    this.#polls.invoked.push(row.invokedAtMs);
    this.#polls.completed.push(row.completedAtMs);
    this.#polls.runsEnd.push(this.#runs.offset.length);
  }

  /** Memory that the rows take, in bytes. */
  get sizeBytes(): number {
    const tables = [this.#sends, this.#polls, this.#runs].map((table) => Object.values(table));
    return tables.flat().reduce((sum, column) => sum + column.length * 8, 0);
  }

  /** The history as the judge takes it: made anew each time, a piece at a time. Those of one process are in order. */
  *operations(): Generator<Operation, void> {
    for (let row = 0; row < this.#sends.process.length; row++) yield* this.#sendsOf(row);
    let run = 0;
    for (let row = 0; row < this.#polls.process.length; row++) {
      const runsEnd = this.#polls.runsEnd.at(row);
      yield this.#pollOf(row, run, runsEnd);
      run = runsEnd;
    }
  }

  *#sendsOf(row: number): Generator<Send, void> {
    const { process, firstValue, count, outcome, baseOffset, invoked, completed } = this.#sends;
    const base = baseOffset.at(row);
    for (let i = 0; i < count.at(row); i++) {
      yield {
        kind: 'send',
        process: process.at(row),
        key: this.key,
        invokedAtMs: invoked.at(row),
        completedAtMs: completed.at(row),
        outcome: OUTCOMES[outcome.at(row)] ?? 'unknown',
        value: firstValue.at(row) + i,
        offset: base === NO_OFFSET ? undefined : base + i,
      };
    }
  }

  #pollOf(row: number, run: number, runsEnd: number): Operation {
    const { process, kind, from, invoked, completed } = this.#polls;
    const [invokedAtMs, completedAtMs] = [invoked.at(row), completed.at(row)];
    const about = { process: process.at(row), key: this.key, invokedAtMs, completedAtMs };
    const outcome = POLL_KINDS[kind.at(row)] ?? 'failed';
    if (outcome === 'assign') return { kind: 'assign', ...about };
    const poll: Poll = {
      kind: 'poll',
      ...about,
      outcome,
      from: from.at(row),
      records: this.#records(run, runsEnd),
    };
    return poll;
  }

  #records(run: number, runsEnd: number): ReadRecord[] {
    const records: ReadRecord[] = [];
    for (let i = run; i < runsEnd; i++) {
      const [offset, value] = [this.#runs.offset.at(i), this.#runs.value.at(i)];
      for (let k = 0; k < this.#runs.count.at(i); k++) records.push([offset + k, value + k]);
    }
    return records;
  }
}

function columns<Name extends string>(...names: readonly Name[]): Record<Name, Column> {
  return Object.fromEntries(names.map((name) => [name, new Column()])) as Record<Name, Column>;
}
