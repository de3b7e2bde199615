/** LogService: produce, fetch, list offsets, names for producers; its streams: produce-stream.ts, consume.ts. */

import {
  FetchFormat,
  type FetchRequest,
  type FetchResponse,
  type ListOffsetsRequest,
  type LogServiceServer,
  LogServiceService,
  OffsetPosition,
  type ProduceRequest,
} from '../../../gen/bellwether/v1/log_service.js';
import type { Broker } from '../../broker/broker.js';
import {
  fetch,
  initProducer,
  listOffset,
  type OffsetPosition as BrokerPosition,
  produce,
} from '../../broker/data.js';
import { LIMITS } from '../../broker/limits.js';
import type { Fetched } from '../../broker/partition-host.js';
import { encodeConsumeResponse, encodeFetchResponse } from '../../wire/batch-codec.js';
import { decodeProduceStreamRequest, encodeProduceStreamResponse } from '../../wire/produce-stream-codec.js';
import { adaptBidi } from '../adapt-bidi.js';
import { adaptServerStream } from '../adapt-stream.js';
import { adaptUnary, type CallContext, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { batchEndOffset, decodeBatches, encodeRecords } from '../convert-records.js';
import {
  acksField,
  formatField,
  intField,
  intFieldOr,
  invalid,
  listField,
  offsetField,
  partitionField,
  topicField,
} from '../fields.js';
import { serveConsume } from './consume.js';
import { type ProduceCall, serveProduceStream } from './produce-stream.js';

/** The generated service, with codecs of our own where whole batches are sent, and for each record alone. */
export const LOG_SERVICE = {
  ...LogServiceService,
  fetch: { ...LogServiceService.fetch, responseSerialize: encodeFetchResponse },
  consume: { ...LogServiceService.consume, responseSerialize: encodeConsumeResponse },
  produceStream: {
    ...LogServiceService.produceStream,
    requestDeserialize: decodeProduceStreamRequest,
    responseSerialize: encodeProduceStreamResponse,
  },
};

export function logHandlers(broker: Broker, onDefect: OnDefect): ServiceHandlers<LogServiceServer> {
  return {
    produce: adaptUnary(
      async (request, context) => {
        const { topic, partition } = partitionOf(request);
        const acks = acksField(request.acks);
        const batch = batchOf(request, broker.clock.wallMs());
        const produced = await produce(broker, { topic, partition, acks, batch }, callTimeoutMs(context));
        const { baseOffset, term, recordCount, isDuplicate: duplicate } = produced;
        return { partition, baseOffset: baseOffset ?? -1, term, recordCount, duplicate };
      },
      { onDefect },
    ),
    fetch: adaptUnary((request, context) => answerFetch(broker, request, context), { onDefect }),
    listOffsets: adaptUnary(
      (request, context) =>
        listOffset(broker, { ...partitionOf(request), at: positionOf(request) }, callTimeoutMs(context)),
      { onDefect },
    ),
    produceStream: adaptBidi(
      (stream: ProduceCall) => {
        serveProduceStream(broker, stream, onDefect);
      },
      { onDefect, sendBufferBytesMax: LIMITS.produceStreamBufferBytesMax },
    ),
    consume: adaptServerStream(
      (request, stream) => {
        serveConsume(broker, request, stream, onDefect);
      },
      { onDefect },
    ),
    initProducer: adaptUnary((_, context) => initProducer(broker, callTimeoutMs(context)), { onDefect }),
  };
}

function positionOf({ at, timestampMs }: ListOffsetsRequest): BrokerPosition {
  switch (at) {
    case OffsetPosition.EARLIEST:
      return 'earliest';
    case OffsetPosition.UNSPECIFIED:
    case OffsetPosition.LATEST:
      return 'latest';
    case OffsetPosition.TIMESTAMP:
      return { timestampMs: offsetField('timestamp_ms', timestampMs) };
    default:
      throw invalid('at', 'must be EARLIEST, LATEST or TIMESTAMP', at);
  }
}

function partitionOf(request: { topic: string; partition: number }): { topic: string; partition: number } {
  return { topic: topicField(request.topic), partition: partitionField(request.partition) };
}

/** The batch to append: the one sent, or one made of the records sent. */
function batchOf(request: ProduceRequest, nowMs: number): Uint8Array {
  if (request.recordBatch === undefined) {
    listField('records', request.records, 1, LIMITS.batchRecordsMax);
    return encodeRecords(request.records, nowMs);
  }
  if (request.records.length > 0) throw invalid('record_batch', 'must not be set together with records');
  return request.recordBatch;
}

async function answerFetch(
  broker: Broker,
  request: FetchRequest,
  context: CallContext,
): Promise<FetchResponse> {
  const { topic, partition } = partitionOf(request);
  const offset = offsetField('offset', request.offset);
  const recordsMax = intFieldOr(
    'max_records',
    request.maxRecords,
    LIMITS.fetchRecordsDefault,
    1,
    LIMITS.fetchRecordsMax,
  );
  const bytesMax = intFieldOr(
    'max_bytes',
    request.maxBytes,
    LIMITS.fetchBytesDefault,
    1,
    LIMITS.fetchBytesMax,
  );
  const waitMs = intField('max_wait_ms', request.maxWaitMs, 0, LIMITS.fetchWaitMsMax);
  const fetched = await fetch(broker, {
    topic,
    partition,
    offset,
    bytesMax,
    waitMs: Math.min(waitMs, callTimeoutMs(context)),
    allowFollower: request.allowFollower,
  });
  if (formatField(request.format) !== FetchFormat.RECORD_BATCHES) {
    return recordsResponse(fetched, offset, recordsMax);
  }
  return batchesResponse(fetched, offset, request.maxRecords === 0 ? Infinity : recordsMax);
}

function recordsResponse(fetched: Fetched, offset: number, recordsMax: number): FetchResponse {
  const records = decodeBatches(fetched.batches, offset, recordsMax);
  return {
    records,
    recordBatches: [],
    highWatermark: fetched.highWatermark,
    logStartOffset: fetched.logStartOffset,
    nextOffset: (records.at(-1)?.offset ?? offset - 1) + 1,
  };
}

/** Whole batches, up to the one with the last record asked for. */
function batchesResponse(fetched: Fetched, offset: number, recordsMax: number): FetchResponse {
  const recordBatches: Uint8Array[] = [];
  let nextOffset = offset;
  for (const batch of fetched.batches) {
    if (nextOffset - offset >= recordsMax) break;
    recordBatches.push(batch);
    nextOffset = batchEndOffset(batch);
  }
  const { highWatermark, logStartOffset } = fetched;
  return { records: [], recordBatches, highWatermark, logStartOffset, nextOffset };
}
