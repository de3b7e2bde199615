import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Acks, ProduceStreamRequest } from '../../gen/bellwether/v1/log_service.js';
import { encodeStreamedBatch } from '../../src/client/produce-codec.js';

const HEADROOM_BYTES = 1_000;

it('the hand-made encoder says the same as the generated one, in front of the batch as well as in a copy', () => {
  const batch = fc.record({
    requestId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    topic: fc.string({ maxLength: 300 }),
    partition: fc.nat(),
    acks: fc.constantFrom(Acks.NONE, Acks.LEADER, Acks.ALL),
    recordBatch: fc.uint8Array({ maxLength: 400 }),
    timeoutMs: fc.integer({ min: 1, max: 30_000 }),
  });
  fc.assert(
    fc.property(batch, fc.constantFrom(0, HEADROOM_BYTES), (request, headroomBytes) => {
      const memory = new Uint8Array(HEADROOM_BYTES + request.recordBatch.length);
      const recordBatch = memory.subarray(HEADROOM_BYTES);
      recordBatch.set(request.recordBatch);
      const bytes = encodeStreamedBatch({ ...request, recordBatch, headroomBytes });
      const decoded = ProduceStreamRequest.decode(bytes);
      expect({ ...decoded, recordBatch: Uint8Array.from(decoded.recordBatch) }).toEqual(request);
      expect(bytes.buffer === memory.buffer).toBe(headroomBytes > 0);
    }),
  );
});
