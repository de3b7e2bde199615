import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsumeResponse, FetchResponse } from '../../gen/bellwether/v1/log_service.js';
import { encodeConsumeResponse, encodeFetchResponse } from '../../src/wire/batch-codec.js';

const offset = fc.oneof(fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const record = fc.record({
  offset,
  key: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined }),
  value: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined }),
  headers: fc.array(fc.record({ key: fc.string(), value: fc.constant(undefined) }), { maxLength: 1 }),
  timestampMs: offset,
});

const answer = fc.record({
  records: fc.array(record, { maxLength: 2 }),
  recordBatches: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
  highWatermark: offset,
  logStartOffset: offset,
  nextOffset: offset,
});

describe('answers with record batches', () => {
  it("are encoded as ts-proto's codec does it", () => {
    fc.assert(
      fc.property(answer, (message) => {
        expect(encodeConsumeResponse(message)).toEqual(Buffer.from(ConsumeResponse.encode(message).finish()));
        expect(encodeFetchResponse(message)).toEqual(Buffer.from(FetchResponse.encode(message).finish()));
      }),
    );
  });
});
