/** LogService: produce, fetch and list offsets. */

import {
  Acks,
  FetchFormat,
  type FetchRequest,
  type FetchResponse,
  type LogServiceServer,
  OffsetPosition,
  type ProduceRequest,
} from '../../../gen/bellwether/v1/log_service.js';
import type { Broker } from '../../broker/broker.js';
import { fetch, listOffset, type OffsetPosition as BrokerPosition, produce } from '../../broker/data.js';
import { LIMITS } from '../../broker/limits.js';
import type { Acks as BrokerAcks, Fetched } from '../../broker/partition-host.js';
import { adaptUnary, type CallContext, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { batchEndOffset, decodeBatches, encodeRecords } from '../convert-records.js';
import { intFieldOr, intField, invalid, listField, partitionField, topicField } from '../fields.js';

const ACKS: Record<number, BrokerAcks> = {
  [Acks.UNSPECIFIED]: 'all',
  [Acks.NONE]: 'none',
  [Acks.LEADER]: 'leader',
  [Acks.ALL]: 'all',
};

const POSITIONS: Record<number, BrokerPosition> = {
  [OffsetPosition.UNSPECIFIED]: 'latest',
  [OffsetPosition.EARLIEST]: 'earliest',
  [OffsetPosition.LATEST]: 'latest',
};

export function logHandlers(broker: Broker, onDefect: OnDefect): ServiceHandlers<LogServiceServer> {
  return {
    produce: adaptUnary(
      async (request, context) => {
        const { topic, partition } = partitionOf(request);
        const acks = ACKS[request.acks];
        if (acks === undefined) throw invalid('acks', 'must be NONE, LEADER or ALL', request.acks);
        const batch = batchOf(request, broker.clock.wallMs());
        const produced = await produce(broker, { topic, partition, acks, batch }, callTimeoutMs(context));
        const { baseOffset, term, recordCount } = produced;
        return { partition, baseOffset: baseOffset ?? -1, term, recordCount };
      },
      { onDefect },
    ),
    fetch: adaptUnary((request, context) => answerFetch(broker, request, context), { onDefect }),
    listOffsets: adaptUnary(
      (request, context) => {
        const at = POSITIONS[request.at];
        if (at === undefined) throw invalid('at', 'must be EARLIEST or LATEST', request.at);
        return listOffset(broker, { ...partitionOf(request), at }, callTimeoutMs(context));
      },
      { onDefect },
    ),
  };
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
  const { offset } = request;
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw invalid('offset', 'must be an integer from 0', offset);
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
  switch (request.format) {
    case FetchFormat.UNSPECIFIED:
    case FetchFormat.RECORDS:
      return recordsResponse(fetched, offset, recordsMax);
    case FetchFormat.RECORD_BATCHES:
      return batchesResponse(fetched, offset);
    default:
      throw invalid('format', 'must be RECORDS or RECORD_BATCHES', request.format);
  }
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

function batchesResponse(fetched: Fetched, offset: number): FetchResponse {
  const last = fetched.batches.at(-1);
  return {
    records: [],
    recordBatches: [...fetched.batches],
    highWatermark: fetched.highWatermark,
    logStartOffset: fetched.logStartOffset,
    nextOffset: last === undefined ? offset : batchEndOffset(last),
  };
}
