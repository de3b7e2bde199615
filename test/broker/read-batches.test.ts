/** Records are found in segments by offset and by time: both indexes are sparse, so near is not enough. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readBatches, readFirstAtTime } from '../../src/broker/read-batches.js';
import { PartitionLog } from '../../src/log/partition-log.js';
import { asLogIndex } from '../../src/raft/types.js';
import { readBatchHeader } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import { batch, noop } from '../log/entries.js';
import { FaultyDisk, settle } from '../storage/faulty-file-system.js';
import { GroupWriter, openJournal } from '../storage/journal-harness.js';

/** Of one batch, which makes 2.5 KB: two for each sample of an index, and about ten for each segment. */
const RECORDS = 300;

async function storedLog(times: readonly number[]) {
  const disk = new FaultyDisk();
  const { journal } = await openJournal(disk, {
    ...{ fileBytes: 20_000, segmentBytes: 25_000, preallocateBytes: 512, cacheBytes: 0, checkpointFiles: 1 },
  });
  const writer = new GroupWriter(journal, 1);
  const partition = new PartitionLog();
  journal.listen({
    onDurable: () => undefined,
    onFailed: (error) => {
      throw error;
    },
    machineState: () => partition.checkpoint(writer.log.storedLastIndex, writer.log.segmentStarts),
  });
  writer.state(1, 'n1');
  let offset = 0;
  let index = 0;
  for (const timestampMs of times) {
    index += 1;
    const isNoop = timestampMs % 5 === 0;
    const entry = isNoop ? noop(index) : batch(index, offset, RECORDS, { timestampMs });
    if (!isNoop) offset += RECORDS;
    writer.append(entry);
    partition.appended(entry);
    partition.committedTo(asLogIndex(index));
    writer.state(1, 'n1', index);
    await settle();
  }
  for (let i = 0; i < 60; i++) await settle();
  return { log: writer.log, partition, last: asLogIndex(index), end: offset };
}

describe('records in segments', () => {
  it('are found by any offset, and by any time as a walk over all of them finds them', async () => {
    const times = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 20, maxLength: 60 });
    let spans = 0;
    await fc.assert(
      fc.asyncProperty(times, fc.nat(100), async (all, seed) => {
        const { log, partition, last, end } = await storedLog(all);
        spans += log.segmentStarts.length;
        const batches = all.filter((timeMs) => timeMs % 5 !== 0);
        for (let offset = seed; offset < end; offset += 101) {
          const first = partition.indexOfOffset(asOffset(offset)) ?? asLogIndex(0);
          const range = { first, last, offset: asOffset(offset), bytesMax: 1 };
          const [found] = await readBatches(log, range);
          expect(found && readBatchHeader(found).baseOffset).toBe(offset - (offset % RECORDS));
        }
        for (let timeMs = 0; timeMs <= 61; timeMs += 1) {
          const nth = batches.findIndex((each) => each >= timeMs);
          const found = await readFirstAtTime(log, partition, last, timeMs);
          const expected =
            nth < 0 ? undefined : { offset: asOffset(nth * RECORDS), timestampMs: batches[nth] };
          expect(found).toEqual(expected);
        }
      }),
      { numRuns: 10 },
    );
    expect(spans).toBeGreaterThan(10);
  });
});
