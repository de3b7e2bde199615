/**
 * A batch that its topic refuses as too large is divided: its records go on in smaller batches, in their order and at
 * the places of the sequence that it had, each with a fate of its own.
 */
import type { BellwetherError } from '../errors.js';
import type { PendingBatch } from './pending-batch.js';

/** Parts of a compressed batch compress less well than the whole; if that is not enough, they are divided again. */
const COMPRESSION_MARGIN = 0.9;

/** True when parts of `batch` may be accepted: it is certainly not in the log, and has records to divide. */
export function canSplit(batch: PendingBatch, error: BellwetherError): boolean {
  return error.reason === 'RECORD_BATCH_TOO_LARGE' && batch.recordCount > 1 && batch.doubt === undefined;
}

/** False for a refusal made on the way, by something that does not know the topic. */
export function namesLimit(refusal: BellwetherError): boolean {
  return refusal.metadata['limit_bytes'] !== undefined;
}

/**
 * Bytes that a batch like this one may have before compression, so that it is not refused again; always less than it
 * has, so that dividing it comes to an end.
 */
export function acceptableBytes(batch: PendingBatch, refusal: BellwetherError): number {
  const limitBytes = Number(refusal.metadata['limit_bytes'] ?? Number.NaN);
  const { sizeBytes, sentBytes } = batch;
  if (!(limitBytes < sentBytes)) return Math.floor(sizeBytes / 2);
  if (sentBytes === sizeBytes) return limitBytes;
  return Math.floor((limitBytes / sentBytes) * sizeBytes * COMPRESSION_MARGIN);
}
