import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Acks, ProduceStreamRequest } from '../../gen/bellwether/v1/log_service.js';
import { encodeStreamedBatch } from '../../src/client/produce-codec.js';

it('the hand-made encoder says the same as the generated one', () => {
  const batch = fc.record({
    requestId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    topic: fc.string({ maxLength: 300 }),
    partition: fc.nat(),
    acks: fc.constantFrom(Acks.NONE, Acks.LEADER, Acks.ALL),
    recordBatch: fc.uint8Array({ maxLength: 400 }),
    timeoutMs: fc.integer({ min: 1, max: 30_000 }),
  });
  fc.assert(
    fc.property(batch, (request) => {
      const decoded = ProduceStreamRequest.decode(encodeStreamedBatch(request));
      expect({ ...decoded, recordBatch: Uint8Array.from(decoded.recordBatch) }).toEqual(request);
    }),
  );
});
