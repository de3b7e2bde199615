/** What encoding and decoding take on one core: record batches, their checksum, and the message that replicates them. */
import { setImmediate as turn } from 'node:timers/promises';
import { RaftServiceService } from '../../dist/gen/bellwether/raft/v1/raft_service.js';
import { crc32c } from '../../dist/src/crc32c.js';
import { decodeRecordBatch } from '../../dist/src/records/batch-decode.js';
import { encodeRecordBatch } from '../../dist/src/records/batch-encode.js';
import { validateRecordBatch } from '../../dist/src/records/batch-validate.js';
import { KIB } from './ceiling.mjs';

const RECORDS = 100;
const VALUE_BYTES = 100;
const CHECKED_BYTES = 256 * KIB;

/** Between two looks at the clock, in milliseconds at most: a call takes microseconds. */
const CALLS_PER_LOOK = 16;

const LIMITS = { batchBytesMax: 1024 * KIB, recordsMax: RECORDS };

/** @returns {Promise<import('./ceiling.mjs').Group>} */
export async function codec() {
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const record = { key: undefined, value, headers: [], timestampMs: Date.now() };
  const records = Array.from({ length: RECORDS }, () => record);
  const batch = encodeRecordBatch(records);
  const checked = new Uint8Array(CHECKED_BYTES).fill(118);
  const append = appendOf(batch);
  const { requestSerialize, requestDeserialize } = RaftServiceService.appendEntries;
  const appendBytes = requestSerialize(append);
  const name = `${RECORDS} x ${VALUE_BYTES} B`;
  const valueBytes = RECORDS * VALUE_BYTES;
  return {
    ceilings: [
      ceiling(
        `encode a batch of ${name}`,
        'the producer',
        valueBytes,
        () => encodeRecordBatch(records).length,
      ),
      ceiling(`check a batch of ${name}`, 'the leader', valueBytes, () => {
        return validateRecordBatch(batch, LIMITS).ok ? 1 : 0;
      }),
      ceiling(`decode a batch of ${name}`, 'the consumer', valueBytes, () => decodeRecordBatch(batch).length),
      ceiling('CRC-32C of 256 KiB', 'producer, leader and consumer', CHECKED_BYTES, () => crc32c(checked)),
      ceiling(
        `ts-proto: AppendEntries with ${name}, encode`,
        'the leader, once a follower',
        valueBytes,
        () => {
          return requestSerialize(append).length;
        },
      ),
      ceiling(`ts-proto: AppendEntries with ${name}, decode`, 'the follower', valueBytes, () => {
        return requestDeserialize(appendBytes).appends.length;
      }),
    ],
    close: async () => undefined,
  };
}

/** @param {Uint8Array} payload */
function appendOf(payload) {
  const entries = [{ term: 1, kind: 1, payload }];
  const group = { groupId: 1, term: 1, prevLogIndex: 1000, prevLogTerm: 1, leaderCommit: 1000, readRound: 0 };
  return { sender: undefined, appends: [{ ...group, entries }], announcements: [], snapshots: [] };
}

/**
 * @param {string} what
 * @param {string} bounds
 * @param {number} bytes Of one call: those of the values, as everywhere.
 * @param {() => number} call Its result is used, so that no compiler drops the work.
 * @returns {import('./ceiling.mjs').Ceiling}
 */
function ceiling(what, bounds, bytes, call) {
  return {
    what,
    bounds,
    run: async (seconds) => {
      await turn();
      let calls = 0;
      let sum = 0;
      const startMs = performance.now();
      const endMs = startMs + seconds * 1000;
      while (performance.now() < endMs) {
        for (let i = 0; i < CALLS_PER_LOOK; i += 1) sum += call();
        calls += CALLS_PER_LOOK;
      }
      const tookMs = performance.now() - startMs;
      if (sum === 0) throw new Error(`${what}: it did nothing`);
      const perSecond = (calls * 1000) / tookMs;
      return { mb_per_second: (perSecond * bytes) / 1e6, per_second: perSecond, us_each: 1e6 / perSecond };
    },
  };
}
