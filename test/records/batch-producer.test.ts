import { expect, it } from 'vitest';
import { encodeRecordBatch, stampProducer } from '../../src/records/batch-encode.js';
import { NO_PRODUCER, readBatchHeader } from '../../src/records/batch-header.js';
import { validateRecordBatch } from '../../src/records/batch-validate.js';
import { InvariantError } from '../../src/invariant.js';

const RECORD = { key: undefined, value: new Uint8Array(4), headers: [], timestampMs: 1 };
const LIMITS = { batchBytesMax: 1_000, recordsMax: 10 };

function producerOf(batch: Uint8Array) {
  const { producerId: id, producerEpoch: epoch, baseSequence } = readBatchHeader(batch);
  return { id, epoch, baseSequence };
}

it('a batch is of the producer that it was encoded for, and of none without', () => {
  const producer = { id: 2 ** 40 + 7, epoch: 32_767, baseSequence: 2 ** 31 - 1 };
  const batch = encodeRecordBatch([RECORD], producer);
  expect(producerOf(batch)).toEqual(producer);
  expect(validateRecordBatch(batch, LIMITS).ok).toBe(true);
  expect(producerOf(encodeRecordBatch([RECORD]))).toEqual(NO_PRODUCER);
});

it('a batch that is sent in the next epoch is the same but for its producer', () => {
  const batch = encodeRecordBatch([RECORD, RECORD], { id: 7, epoch: 0, baseSequence: 40 });
  const next = { id: 7, epoch: 1, baseSequence: 0 };
  stampProducer(batch, next);
  expect(batch).toEqual(encodeRecordBatch([RECORD, RECORD], next));
});

it.each([
  ['an id without the rest', { id: 7, epoch: -1, baseSequence: -1 }],
  ['an epoch beyond 15 bits', { id: 7, epoch: 32_768, baseSequence: 0 }],
  ['a sequence beyond 31 bits', { id: 7, epoch: 0, baseSequence: 2 ** 31 }],
])('takes %s for a defect of the caller', (_name, producer) => {
  expect(() => encodeRecordBatch([RECORD], producer)).toThrow(InvariantError);
});
