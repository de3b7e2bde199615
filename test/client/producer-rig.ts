/** A scripted log behind a fake broker's ProduceStream: a leader that appends, refuses, or loses its memory of answers. */
import type { ProduceStreamRequest, ProduceStreamResponse } from '../../gen/bellwether/v1/log_service.js';
import type { BellwetherError } from '../../src/errors.js';
import { readBatchHeader } from '../../src/records/batch-header.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { toStatus } from '../../src/wire/status.js';

/** What one partition of one cluster holds, whoever leads it: values, and the producer's last batches. */
export class ScriptedLog {
  readonly values: string[] = [];
  readonly term = 1;
  readonly #batches = new Map<string, number>();
  #expected = new Map<string, number>();

  /** Appends once, in sequence, as a broker does with an idempotent producer. */
  append(request: ProduceStreamRequest): ProduceStreamResponse {
    const header = readBatchHeader(request.recordBatch);
    const place = `${header.producerId}/${header.producerEpoch}/${header.baseSequence}`;
    const known = this.#batches.get(place);
    if (header.producerId >= 0 && known !== undefined)
      return this.#answer(request, known, header.recordCount);
    const producer = `${header.producerId}/${header.producerEpoch}`;
    const expected = this.#expected.get(producer) ?? 0;
    if (header.producerId >= 0 && header.baseSequence !== expected) {
      throw new Error(`sequence ${header.baseSequence} where ${expected} was expected`);
    }
    const baseOffset = this.values.length;
    this.#expected.set(producer, header.baseSequence + header.recordCount);
    this.#batches.set(place, baseOffset);
    for (const { value } of decodeRecordBatch(request.recordBatch))
      this.values.push(Buffer.from(value!).toString());
    return this.#answer(request, baseOffset, header.recordCount);
  }

  #answer(
    { requestId }: ProduceStreamRequest,
    baseOffset: number,
    recordCount: number,
  ): ProduceStreamResponse {
    return { requestId, baseOffset, term: this.term, recordCount, error: undefined, duplicate: false };
  }
}

/** An answer with an error in it. */
export function refused({ requestId }: ProduceStreamRequest, error: BellwetherError): ProduceStreamResponse {
  return { requestId, baseOffset: -1, term: 0, recordCount: 0, error: toStatus(error), duplicate: false };
}
