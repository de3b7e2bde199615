/**
 * Brings what this broker reports of its leaderships into the replicated history: one submission at a time,
 * and all that came meanwhile in the next. Sent until it is accepted; the history keeps each report once.
 */

import type { RecordLeadership } from '../cluster/commands.js';
import type { FirstWriteReport, LeadershipReport } from '../cluster/leadership-change.js';
import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';

export interface RecorderContext {
  readonly clock: Clock;
  /** False once the broker has stopped or failed: nothing is submitted any more. */
  isServing(): boolean;
  /** Has the controller append a command; rejects when that is not certain. */
  submit(command: RecordLeadership): Promise<void>;
  log(message: string, facts: Readonly<Record<string, unknown>>, level?: 'debug' | 'warn'): void;
}

type Report =
  | { readonly kind: 'change'; readonly report: LeadershipReport }
  | { readonly kind: 'write'; readonly report: FirstWriteReport };

export class LeadershipRecorder {
  readonly #context: RecorderContext;
  #queue: Report[] = [];
  #isSubmitting = false;
  #dropped = 0;

  constructor(context: RecorderContext) {
    this.#context = context;
  }

  changed(report: LeadershipReport): void {
    this.#put({ kind: 'change', report });
  }

  wroteFirst(report: FirstWriteReport): void {
    this.#put({ kind: 'write', report });
  }

  #put(report: Report): void {
    if (this.#queue.length >= LIMITS.leadershipReportsMax) {
      this.#queue.shift();
      this.#dropped += 1;
    }
    this.#queue.push(report);
    if (this.#isSubmitting) return;
    this.#isSubmitting = true;
    // What the same pass brings about goes together.
    this.#context.clock.defer(() => void this.#submitAll());
  }

  async #submitAll(): Promise<void> {
    const { clock } = this.#context;
    while (this.#queue.length > 0 && this.#context.isServing()) {
      const batch = this.#queue.slice(0, LIMITS.leadershipBatchMax);
      this.#queue = this.#queue.slice(batch.length);
      while (this.#context.isServing()) {
        try {
          await this.#context.submit(commandOf(batch));
          break;
        } catch (error) {
          this.#context.log('could not record leaderships yet', {
            reports: batch.length,
            error: String(error),
          });
        }
        await new Promise<void>((resolve) => {
          clock.schedule(LIMITS.registerRetryMs, resolve);
        });
      }
      this.#tellDropped();
    }
    this.#isSubmitting = false;
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#context.log('the history of leadership lacks changes', { dropped: this.#dropped }, 'warn');
    this.#dropped = 0;
  }
}

function commandOf(batch: readonly Report[]): RecordLeadership {
  const changes: LeadershipReport[] = [];
  const firstWrites: FirstWriteReport[] = [];
  for (const each of batch) {
    if (each.kind === 'change') changes.push(each.report);
    else firstWrites.push(each.report);
  }
  return { kind: 'recordLeadership', changes, firstWrites };
}
