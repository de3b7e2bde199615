import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { BATCH_FIELD, stampBatch } from '../../src/records/batch-header.js';
import { validateRecordBatch } from '../../src/records/batch-validate.js';
import { ByteCursor } from '../../src/records/byte-cursor.js';
import { asOffset } from '../../src/records/offset.js';
import { decodeUtf8, encodeUtf8 } from '../../src/records/utf8.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../src/records/varint.js';

const LIMITS = { batchBytesMax: 1 << 20, recordsMax: 10_000 };

const payload = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined });

const record = fc.record({
  key: payload,
  value: payload,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary', maxLength: 20 }), value: payload }), {
    maxLength: 4,
  }),
  // One below the greatest: its difference to -1 ("none") must be a safe integer too.
  timestampMs: fc.oneof(fc.constant(-1), fc.nat(), fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 })),
});

const records = fc.array(record, { minLength: 1, maxLength: 20 });

/** An offset with room for the records of a batch above it. */
const baseOffset = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 32 - 30, max: 2 ** 53 - 100 }));

const term = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('record batch', () => {
  it('reads back every record that was written, at dense offsets from the base offset', () => {
    fc.assert(
      fc.property(records, baseOffset, term, (written, base, leaderEpoch) => {
        const batch = encodeRecordBatch(written);
        stampBatch(batch, asOffset(base), leaderEpoch);
        expect(validateRecordBatch(batch, LIMITS)).toMatchObject({ ok: true, header: { baseOffset: base } });
        expect(decodeRecordBatch(batch)).toEqual(
          written.map((one, delta) => ({ ...one, offset: base + delta })),
        );
      }),
    );
  });

  it('gives the same records from any offset as a part of all', () => {
    fc.assert(
      fc.property(records, fc.nat(30), fc.nat(30), (written, skipped, maxRecords) => {
        const batch = encodeRecordBatch(written);
        stampBatch(batch, asOffset(50), 1);
        expect(decodeRecordBatch(batch, asOffset(40 + skipped), maxRecords)).toEqual(
          decodeRecordBatch(batch)
            .slice(Math.max(0, skipped - 10))
            .slice(0, maxRecords),
        );
      }),
    );
  });

  it('is refused with any one bit flipped in the length field or from the magic byte on', () => {
    const flip = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(records, flip, (written, where) => {
        const batch = encodeRecordBatch(written);
        const covered = 4 + batch.length - BATCH_FIELD.MAGIC;
        const bit = Math.floor(where * covered * 8);
        const at = bit >> 3 < 4 ? BATCH_FIELD.BATCH_LENGTH + (bit >> 3) : BATCH_FIELD.MAGIC - 4 + (bit >> 3);
        batch[at] = (batch[at] ?? 0) ^ (1 << (bit & 7));
        expect(validateRecordBatch(batch, LIMITS).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused with every single bit of one batch flipped, but those that the leader stamps', () => {
    const batch = encodeRecordBatch([
      {
        key: undefined,
        value: Uint8Array.of(1, 2),
        headers: [{ key: 'h', value: undefined }],
        timestampMs: 9,
      },
      { key: Uint8Array.of(3), value: undefined, headers: [], timestampMs: -1 },
    ]);
    for (let bit = 0; bit < batch.length * 8; bit++) {
      const damaged = batch.slice();
      const at = bit >> 3;
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
      const stamped =
        at < BATCH_FIELD.BATCH_LENGTH || (at >= BATCH_FIELD.LEADER_EPOCH && at < BATCH_FIELD.MAGIC);
      expect(validateRecordBatch(damaged, LIMITS).ok).toBe(stamped);
    }
  });

  it('is refused when cut or extended', () => {
    const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(records, share, fc.uint8Array({ minLength: 1, maxLength: 70 }), (written, kept, more) => {
        const batch = encodeRecordBatch(written);
        const cut = batch.subarray(0, Math.floor(kept * batch.length));
        expect(validateRecordBatch(cut, LIMITS)).toMatchObject({ reason: 'CORRUPT_RECORD_BATCH' });
        const extended = Uint8Array.of(...batch, ...more);
        expect(validateRecordBatch(extended, LIMITS)).toMatchObject({ reason: 'CORRUPT_RECORD_BATCH' });
      }),
    );
  });

  it('never makes the validator throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(validateRecordBatch(bytes, LIMITS).ok).toBe(false);
      }),
    );
  });
});

describe('varint and varlong', () => {
  it('read back every number, in the size announced', () => {
    fc.assert(
      fc.property(fc.integer(), fc.maxSafeInteger(), (int32, safe) => {
        const bytes = new Uint8Array(13);
        const middle = writeVarint(bytes, 0, int32);
        const end = writeVarlong(bytes, middle, safe);
        expect([middle, end - middle]).toEqual([varintSize(int32), varlongSize(safe)]);
        const cursor = new ByteCursor(bytes.subarray(0, end));
        expect([readVarint(cursor), readVarlong(cursor), cursor.remainingBytes]).toEqual([int32, safe, 0]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('utf8', () => {
  it('agrees with the platform on every text and on any bytes', () => {
    const reference = new TextDecoder('utf-8', { ignoreBOM: true });
    const units = fc.array(fc.nat(0xffff), { maxLength: 30 });
    fc.assert(
      fc.property(units, fc.uint8Array({ maxLength: 30 }), (codes, bytes) => {
        const text = String.fromCharCode(...codes);
        expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
        expect(decodeUtf8(bytes)).toBe(reference.decode(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});
