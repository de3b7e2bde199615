/** What became of records that were sent together: told by runs, which are in one batch and have its fate. */
import { fromServiceError } from '../wire/status.js';
import type { Taken } from './send-buffer.js';
import type { AppendedRange, RecordPlace, SettledRange } from './types-producer.js';

/** Records of one batch, one behind the other; `index` is that of the first. */
export interface Run extends Taken {
  count: number;
}

/** Runs in the order in which their records were given. */
export class SentRuns {
  readonly #runs: (Run | SettledRange)[] = [];

  /** The next record was put into a batch. */
  taken(taken: Taken): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && 'batch' in last && isNext(last, taken)) last.count += 1;
    else this.#runs.push({ ...taken, count: 1 });
  }

  /** The next record could not be sent; `partition` where it was named. */
  refused(partition: number | undefined, error: unknown): void {
    this.#runs.push(notAcknowledged(partition, 1, error));
  }

  /** Resolves once all have their outcome. */
  async settled(): Promise<SettledRange[]> {
    const ranges = this.#runs.map(async (run) => ('batch' in run ? settledRanges(run) : [run]));
    return (await Promise.all(ranges)).flat();
  }
}

async function settledRanges(run: Run): Promise<SettledRange[]> {
  const inOneBatch = async (part: Run): Promise<SettledRange> => {
    try {
      return { ...(await rangeOf(part)), error: undefined };
    } catch (error) {
      return notAcknowledged(part.partition, part.count, error);
    }
  };
  return Promise.all((await undivided(run)).map(inOneBatch));
}

/** True when `taken` stands behind the last record of `run`. */
export function isNext(run: Run, { batch, index }: Taken): boolean {
  return run.batch === batch && run.index + run.count === index;
}

/** @throws BellwetherError of the batch. */
export async function place(taken: Taken): Promise<RecordPlace> {
  const { partition, batch, index } = taken;
  const { baseOffset, term } = await batch.settled;
  const [part] = partsOf({ ...taken, count: 1 });
  if (part !== undefined) return place(part);
  return { partition, offset: baseOffset < 0 ? -1 : baseOffset + index, term };
}

/** One range, or one for each batch that theirs was divided into. @throws BellwetherError of the first that failed */
export async function rangesOf(run: Run): Promise<AppendedRange[]> {
  return Promise.all((await undivided(run)).map(rangeOf));
}

async function rangeOf(run: Run): Promise<AppendedRange> {
  const { partition, offset, term } = await place(run);
  return { partition, baseOffset: offset, recordCount: run.count, term };
}

/** The same records in the batches that decide their fate; resolves once that is known. */
async function undivided(run: Run): Promise<Run[]> {
  await run.batch.settled.catch(() => undefined);
  if (run.batch.parts === undefined) return [run];
  return (await Promise.all(partsOf(run).map(undivided))).flat();
}

/** The same records in the batches that theirs was divided into; none when it was not. */
function partsOf({ partition, batch, index, count }: Run): Run[] {
  const runs: Run[] = [];
  let begin = 0;
  for (const part of batch.parts ?? []) {
    const first = Math.max(index, begin);
    const end = Math.min(index + count, begin + part.recordCount);
    if (first < end) runs.push({ partition, batch: part, index: first - begin, count: end - first });
    begin += part.recordCount;
  }
  return runs;
}

function notAcknowledged(partition: number | undefined, recordCount: number, error: unknown): SettledRange {
  return { partition, baseOffset: -1, recordCount, term: 0, error: fromServiceError(error) };
}
