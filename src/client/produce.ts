/** SDK call that appends records to a partition. */
import { LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import { BellwetherError } from '../errors.js';
import { encodeRecordBatch } from '../records/batch-encode.js';
import { checkRef } from './checked-argument.js';
import { checkNames, shown } from './checked-option.js';
import { toWireAcks } from './convert.js';
import { toLogRecord } from './outgoing.js';
import type { Session } from './session.js';
import type { PartitionRef, ProducerRecord, ProduceOptions, ProduceResult } from './types.js';

/** Appends `records` as one batch. Sent again only when it certainly was not applied, also when the leader is silent. */
export async function produce(
  session: Session,
  ref: PartitionRef,
  records: readonly ProducerRecord[],
  options: ProduceOptions | undefined,
): Promise<ProduceResult> {
  checkNames('produce', options ?? {}, { acks: true, timeoutMs: true });
  checkRef(ref);
  const { topic, partition } = ref;
  const acks = toWireAcks(options?.acks ?? 'all');
  const recordBatch = encoded(records);
  const { baseOffset, term, recordCount } = await session.call({
    method: LogServiceService.produce,
    request: () => ({ topic, partition, acks, records: [], recordBatch }),
    effect: 'write',
    route: session.leaderOf(ref),
    options,
    optionNames: { acks: true },
  });
  return { partition, baseOffset, term, recordCount };
}

/** @throws BellwetherError INVALID_REQUEST when the records cannot be a batch. */
function encoded(records: readonly ProducerRecord[]): Uint8Array {
  if (!Array.isArray(records)) throw invalid(`they must be an array, got ${shown(records)}`, undefined);
  if (records.length === 0) throw invalid('there are no records', undefined);
  const nowMs = Date.now();
  try {
    return encodeRecordBatch(records.map((record: ProducerRecord) => toLogRecord(record, nowMs)));
  } catch (error) {
    if (error instanceof BellwetherError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(why: string, cause: unknown): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', `records cannot be sent: ${why}`, {
    metadata: { field: 'records' },
    cause,
  });
}
