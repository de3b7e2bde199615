/** LogService.Consume: what the broker reads, as messages, no more than one at a time. */

import {
  type ConsumeRequest,
  type ConsumeResponse,
  FetchFormat,
  OffsetPosition,
} from '../../../gen/bellwether/v1/log_service.js';
import type { Broker } from '../../broker/broker.js';
import { consume, type ConsumeRequest as BrokerRequest } from '../../broker/consume.js';
import { LIMITS } from '../../broker/limits.js';
import type { Fetched } from '../../broker/partition-host.js';
import { type OnDefect, toClientError } from '../adapt.js';
import type { AnswerStream } from '../adapt-stream.js';
import { batchEndOffset, decodeBatches } from '../convert-records.js';
import { formatField, intFieldOr, invalid, offsetField, partitionField, topicField } from '../fields.js';

/** Bytes of a response beside its records, at most. */
const ENVELOPE_BYTES = 64;

export function serveConsume(
  broker: Broker,
  request: ConsumeRequest,
  stream: AnswerStream<ConsumeResponse>,
  onDefect: OnDefect,
): void {
  const responseOf = formatField(request.format) === FetchFormat.RECORD_BATCHES ? batches : records;
  const sink = {
    get isClosed() {
      return stream.isClosed;
    },
    get isFull() {
      return stream.bufferedBytes > 0;
    },
    send(fetched: Fetched, offset: number, endOffset: number): number {
      const response = responseOf(fetched, offset, endOffset);
      const bytes = fetched.batches.reduce((sum, batch) => sum + batch.length, ENVELOPE_BYTES);
      stream.send(response, bytes);
      return response.nextOffset;
    },
    onChange(resume: () => void): void {
      stream.onSent(resume);
      stream.onClosed(resume);
    },
  };
  consume(broker, fieldsOf(request), sink).then(
    () => {
      stream.close();
    },
    (error: unknown) => {
      stream.close(toClientError(error, onDefect));
    },
  );
}

function fieldsOf(request: ConsumeRequest): BrokerRequest {
  const { fetchBytesDefault, fetchBytesMax } = LIMITS;
  const { endOffset } = request;
  return {
    topic: topicField(request.topic),
    partition: partitionField(request.partition),
    start: startOf(request),
    endOffset: endOffset === undefined ? undefined : offsetField('end_offset', endOffset),
    untilEnd: request.untilEnd,
    bytesMax: intFieldOr('max_bytes', request.maxBytes, fetchBytesDefault, 1, fetchBytesMax),
    allowFollower: request.allowFollower,
  };
}

function startOf({ start }: ConsumeRequest): BrokerRequest['start'] {
  switch (start?.$case) {
    case undefined:
      return 'latest';
    case 'offset':
      return offsetField('offset', start.value);
    case 'timestampMs':
      return { timestampMs: offsetField('timestamp_ms', start.value) };
    case 'position':
      if (start.value === OffsetPosition.EARLIEST) return 'earliest';
      if (start.value === OffsetPosition.LATEST || start.value === OffsetPosition.UNSPECIFIED)
        return 'latest';
      throw invalid('position', 'must be EARLIEST or LATEST', start.value);
  }
}

function records(fetched: Fetched, offset: number, endOffset: number): ConsumeResponse {
  const { highWatermark, logStartOffset } = fetched;
  // Offsets are dense, so that is how many there are before the end.
  const recordsMax = Math.min(LIMITS.fetchRecordsMax, endOffset - offset);
  const found = decodeBatches(fetched.batches, offset, recordsMax);
  const nextOffset = offset + found.length;
  return { records: found, recordBatches: [], highWatermark, logStartOffset, nextOffset };
}

function batches(fetched: Fetched, offset: number, endOffset: number): ConsumeResponse {
  const { highWatermark, logStartOffset } = fetched;
  const recordBatches: Uint8Array[] = [];
  let nextOffset = offset;
  for (const batch of fetched.batches) {
    if (nextOffset >= endOffset) break;
    recordBatches.push(batch);
    nextOffset = batchEndOffset(batch);
  }
  return { records: [], recordBatches, highWatermark, logStartOffset, nextOffset };
}
