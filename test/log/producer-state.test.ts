import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { producersSize, readProducers, writeProducers } from '../../src/log/producer-snapshot.js';
import {
  PRODUCER_WINDOW_BATCHES,
  ProducerState,
  type SequenceVerdict,
} from '../../src/log/producer-state.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';
import { ByteCursor } from '../../src/records/byte-cursor.js';
import { asOffset } from '../../src/records/offset.js';
import { ProducerModel } from './producer-model.js';

const SEQUENCE_MAX = 2 ** 31 - 1;

function header(producerId: number, producerEpoch: number, baseSequence: number, recordCount = 1) {
  return { producerId, producerEpoch, baseSequence, recordCount };
}

/** A partition's producers, fed as a leader does: entry after entry, each batch behind the one before. */
class Log {
  state: ProducerState;
  index = 0;
  end = 0;

  constructor(max?: number) {
    this.state = new ProducerState(max);
  }

  append(batch: ReturnType<typeof header>, term = 1): this {
    this.index += 1;
    this.state.appended(asLogIndex(this.index), asTerm(term), asOffset(this.end), batch);
    this.end += batch.recordCount;
    return this;
  }

  commit(index = this.index): this {
    this.state.committedTo(asLogIndex(index));
    return this;
  }

  says(batch: ReturnType<typeof header>): string {
    return told(this.state.check(batch));
  }
}

function told(verdict: SequenceVerdict): string {
  return verdict.kind === 'duplicate' ? `duplicate of ${String(verdict.batch.baseOffset)}` : verdict.kind;
}

/** The state as a snapshot carries it. */
function carried(state: ProducerState): ProducerState {
  const bytes = new Uint8Array(producersSize(state.committed));
  expect(writeProducers(bytes, 0, state.committed)).toBe(bytes.length);
  const cursor = new ByteCursor(bytes);
  const restored = new ProducerState();
  restored.restored(readProducers(cursor));
  expect(cursor.remainingBytes).toBe(0);
  return restored;
}

describe('the sequence of an idempotent producer (ProducerAppendInfo.checkSequence)', () => {
  it('goes on record by record: the next batch begins behind the last record', () => {
    const log = new Log().append(header(7, 0, 0, 3));
    expect(log.says(header(7, 0, 3))).toBe('next');
    for (const sequence of [2, 4, 5, SEQUENCE_MAX]) {
      expect(log.state.check(header(7, 0, sequence))).toEqual({ kind: 'outOfOrder', expected: 3 });
    }
  });

  it('goes back to 0 behind 2^31 - 1, within a batch too', () => {
    expect(new Log().append(header(7, 0, SEQUENCE_MAX)).says(header(7, 0, 0))).toBe('next');
    const log = new Log().append(header(7, 0, SEQUENCE_MAX - 1, 4));
    expect(log.says(header(7, 0, SEQUENCE_MAX - 1, 4))).toBe('duplicate of 0');
    expect(log.says(header(7, 0, 2))).toBe('next');
  });

  it('begins anywhere for a producer that is not known', () => {
    expect(new Log().says(header(7, 3, 41))).toBe('next');
  });

  it('begins at 0 in a new epoch, and nowhere else', () => {
    const log = new Log().append(header(7, 0, 0, 3));
    expect(log.says(header(7, 1, 0))).toBe('next');
    expect(log.state.check(header(7, 1, 3))).toEqual({ kind: 'outOfOrder', expected: 0 });
  });

  it('is over in an epoch that a later one has followed', () => {
    const log = new Log().append(header(7, 0, 0)).append(header(7, 2, 0));
    expect(log.state.check(header(7, 1, 0))).toEqual({ kind: 'fenced', epoch: 2 });
    expect(log.state.check(header(7, 0, 0))).toEqual({ kind: 'fenced', epoch: 2 });
  });

  it('is of its producer alone', () => {
    const log = new Log().append(header(7, 0, 0)).append(header(8, 0, 5));
    expect([log.says(header(7, 0, 1)), log.says(header(8, 0, 6))]).toEqual(['next', 'next']);
  });
});

describe('a batch that comes again (ProducerStateEntry.findDuplicateBatch)', () => {
  it('is known by its first and last sequence and its epoch, with offset and term of the first time', () => {
    const log = new Log()
      .append(header(7, 0, 0, 2), 3)
      .append(header(7, 0, 2, 5), 4)
      .commit();
    expect(log.state.check(header(7, 0, 2, 5))).toEqual({
      kind: 'duplicate',
      batch: { firstSequence: 2, lastSequence: 6, baseOffset: 2, term: 4 },
      index: undefined,
    });
    expect(log.says(header(7, 0, 0, 3))).toBe('outOfOrder');
    expect(log.says(header(7, 0, 2, 4))).toBe('outOfOrder');
  });

  it('is known among the last five of its producer, and out of order behind these', () => {
    const log = new Log();
    for (let sequence = 0; sequence <= PRODUCER_WINDOW_BATCHES; sequence++)
      log.append(header(7, 0, sequence));
    const answers = [0, 1, 2, 3, 4, 5].map((sequence) => log.says(header(7, 0, sequence)));
    expect(answers).toEqual([
      'outOfOrder',
      ...[1, 2, 3, 4, 5].map((offset) => `duplicate of ${String(offset)}`),
    ]);
    log.commit(3);
    expect([0, 1, 2, 3, 4, 5].map((sequence) => log.says(header(7, 0, sequence)))).toEqual(answers);
  });

  it('tells the entry to wait for until that is committed', () => {
    const log = new Log()
      .append(header(7, 0, 0))
      .append(header(7, 0, 1))
      .commit(1);
    const indexes = [0, 1].map((sequence) => {
      const verdict = log.state.check(header(7, 0, sequence));
      return verdict.kind === 'duplicate' ? verdict.index : verdict.kind;
    });
    expect(indexes).toEqual([undefined, 2]);
  });

  it('is another batch in another epoch', () => {
    const log = new Log().append(header(7, 0, 0)).append(header(7, 1, 0));
    expect(log.says(header(7, 1, 0))).toBe('duplicate of 1');
    expect(log.says(header(7, 1, 1))).toBe('next');
  });
});

describe('what a partition knows of its producers', () => {
  it('goes back when the log does, to an earlier epoch too', () => {
    const log = new Log()
      .append(header(7, 0, 0))
      .commit()
      .append(header(7, 0, 1))
      .append(header(7, 1, 0));
    log.state.truncatedFrom(asLogIndex(2));
    expect(log.says(header(7, 0, 0))).toBe('duplicate of 0');
    expect(log.says(header(7, 0, 1))).toBe('next');
    expect(log.says(header(7, 0, 2))).toBe('outOfOrder');
  });

  it('forgets the producer whose last append is the longest ago, by the order of the log', () => {
    const log = new Log(2)
      .append(header(1, 0, 0))
      .append(header(2, 0, 0))
      .append(header(1, 0, 1));
    log.append(header(3, 0, 0)).commit();
    expect([...log.state.committed.keys()]).toEqual([1, 3]);
    expect(log.says(header(2, 0, 9))).toBe('next');
    expect(log.says(header(1, 0, 1))).toBe('duplicate of 2');
  });

  it('has a documented layout: count; id, epoch, batches; first and last sequence, offset, term', () => {
    const log = new Log()
      .append(header(7, 1, 0, 3), 2)
      .append(header(7, 1, 3), 2)
      .commit();
    const bytes = new Uint8Array(producersSize(log.state.committed));
    writeProducers(bytes, 0, log.state.committed);
    expect([...bytes]).toEqual([2, 14, 2, 4, 0, 4, 0, 4, 6, 6, 6, 4]);
  });

  it('is what the rules say of the whole log, however it is committed, cut and carried by snapshots', () => {
    const producersMax = 2;
    const offered = fc.record({
      producerId: fc.integer({ min: 1, max: 3 }),
      producerEpoch: fc.nat(2),
      baseSequence: fc.nat(12),
      recordCount: fc.integer({ min: 1, max: 2 }),
    });
    const step = fc.oneof(
      { weight: 12, arbitrary: fc.record({ offered, fits: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ commit: fc.nat(4) }) },
      { weight: 1, arbitrary: fc.record({ cut: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.constant({ carry: true }) },
    );
    const steps = fc.array(step, { maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(steps, (all) => {
        const log = new Log(producersMax);
        const model = new ProducerModel(producersMax);
        for (const each of all) {
          if ('offered' in each) offer(log, model, each.fits ? fitting(model, each.offered) : each.offered);
          else if ('commit' in each) {
            model.committed = Math.min(model.log.length, model.committed + each.commit);
            log.commit(model.committed);
          } else if ('cut' in each) cut(log, model, each.cut);
          else carry(log, model, producersMax);
        }
      }),
    );
  });
});

type Header = ReturnType<typeof header>;

/** The same batch as the next of its producer, so that sequences grow long. */
function fitting(model: ProducerModel, offered: Header): Header {
  const last = model.log.findLast(({ producerId }) => producerId === offered.producerId);
  if (last === undefined) return offered;
  const baseSequence = last.baseSequence + last.recordCount;
  return { ...offered, producerEpoch: last.producerEpoch, baseSequence };
}

function offer(log: Log, model: ProducerModel, batch: Header): void {
  const verdict = model.verdict(batch);
  expect(log.says(batch)).toBe(verdict);
  if (verdict !== 'next') return;
  model.log.push({ ...batch, baseOffset: log.end });
  log.append(batch);
}

function cut(log: Log, model: ProducerModel, count: number): void {
  const left = Math.max(model.committed, model.log.length - count);
  model.log = model.log.slice(0, left);
  log.state.truncatedFrom(asLogIndex(left + 1));
  const last = model.log.at(-1);
  log.index = left;
  log.end = last === undefined ? 0 : last.baseOffset + last.recordCount;
}

/** A replica that got a snapshot, and the entries behind it. */
function carry(log: Log, model: ProducerModel, producersMax: number): void {
  const { committed } = carried(log.state);
  log.state = new ProducerState(producersMax);
  log.state.restored(committed);
  model.log.slice(model.committed).forEach((batch, i) => {
    const index = asLogIndex(model.committed + i + 1);
    log.state.appended(index, asTerm(1), asOffset(batch.baseOffset), batch);
  });
}
