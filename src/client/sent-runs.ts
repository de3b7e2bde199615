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
  settled(): Promise<SettledRange[]> {
    return Promise.all(
      this.#runs.map(async (run) => {
        if (!('batch' in run)) return run;
        try {
          return { ...(await rangeOf(run)), error: undefined };
        } catch (error) {
          return notAcknowledged(run.partition, run.count, error);
        }
      }),
    );
  }
}

/** True when `taken` stands behind the last record of `run`. */
export function isNext(run: Run, { batch, index }: Taken): boolean {
  return run.batch === batch && run.index + run.count === index;
}

/** @throws BellwetherError of the batch. */
export async function place({ partition, batch, index }: Taken): Promise<RecordPlace> {
  const { baseOffset, term } = await batch.settled;
  return { partition, offset: baseOffset < 0 ? -1 : baseOffset + index, term };
}

/** @throws BellwetherError of the batch. */
export async function rangeOf(run: Run): Promise<AppendedRange> {
  const { partition, offset, term } = await place(run);
  return { partition, baseOffset: offset, recordCount: run.count, term };
}

function notAcknowledged(partition: number | undefined, recordCount: number, error: unknown): SettledRange {
  return { partition, baseOffset: -1, recordCount, term: 0, error: fromServiceError(error) };
}
