/**
 * The writes of one produce stream: a lane for each partition, in which they are appended, and answered, in
 * the order in which they came. Lanes do not wait for each other.
 */

import { BellwetherError } from '../errors.js';
import type { Broker } from './broker.js';
import { produce, type ProduceRequest } from './data.js';
import { LIMITS } from './limits.js';
import type { Produced } from './partition-host.js';
import { asDefect } from './refusals.js';

/** One write of a stream; `id` is the client's own. */
export interface LaneRequest {
  readonly id: number;
  readonly request: ProduceRequest;
  readonly timeoutMs: number;
}

export type ProduceOutcome = Produced | BellwetherError;

interface Write extends LaneRequest {
  readonly deadlineMs: number;
  outcome: ProduceOutcome | undefined;
}

interface Lane {
  readonly key: string;
  /** Without an answer, oldest first. */
  readonly unanswered: Write[];
  /** Of these, those that were not given to the log yet. */
  readonly waiting: Write[];
  /** The first of the lane is on its way to the log: those behind it would overtake it. */
  isBusy: boolean;
  isAdvancing: boolean;
}

export class ProduceLanes {
  readonly #broker: Broker;
  readonly #answer: (id: number, outcome: ProduceOutcome) => void;
  readonly #lanes = new Map<string, Lane>();
  #requests = 0;
  #bytes = 0;

  /** `answer` is called once for each write. */
  constructor(broker: Broker, answer: (id: number, outcome: ProduceOutcome) => void) {
    this.#broker = broker;
    this.#answer = answer;
  }

  /** Writes without an answer. */
  get unanswered(): number {
    return this.#requests;
  }

  /** True while no more should be taken. */
  get isFull(): boolean {
    return this.#bytes >= LIMITS.produceStreamBytesMax || this.#requests >= LIMITS.produceStreamRequestsMax;
  }

  /** Takes a write on; or, with `refusal`, the answer that it gets when its turn comes. */
  take(taken: LaneRequest, refusal?: BellwetherError): void {
    const { topic, partition, batch } = taken.request;
    const lane = this.#lane(`${topic}/${String(partition)}`);
    const deadlineMs = this.#broker.clock.monotonicMs() + taken.timeoutMs;
    const write: Write = { ...taken, deadlineMs, outcome: undefined };
    this.#requests += 1;
    this.#bytes += batch.length;
    lane.unanswered.push(write);
    if (refusal !== undefined) {
      this.#settle(lane, write, refusal);
      return;
    }
    lane.waiting.push(write);
    this.#advance(lane);
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = { key, unanswered: [], waiting: [], isBusy: false, isAdvancing: false };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Gives writes to the log until one of them must wait. */
  #advance(lane: Lane): void {
    if (lane.isAdvancing) return;
    lane.isAdvancing = true;
    while (!lane.isBusy) {
      const write = lane.waiting.shift();
      if (write === undefined) break;
      lane.isBusy = true;
      let isPassed = false;
      const passed = (): void => {
        if (isPassed) return;
        isPassed = true;
        lane.isBusy = false;
        this.#advance(lane);
      };
      void this.#write(write, passed).then((outcome) => {
        passed();
        this.#settle(lane, write, outcome);
      });
    }
    lane.isAdvancing = false;
  }

  /** Never rejects. `appended` is called as soon as the next write of the lane may follow. */
  async #write({ request, deadlineMs }: Write, appended: () => void): Promise<ProduceOutcome> {
    const { clock } = this.#broker;
    for (;;) {
      const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
      try {
        return await produce(this.#broker, request, leftMs, appended);
      } catch (error) {
        if (!(error instanceof BellwetherError)) return asDefect(error);
        if (error.reason !== 'UNCOMMITTED_BYTES_EXCEEDED' || !(await this.#room(request, deadlineMs))) {
          return error;
        }
      }
    }
  }

  /** Waits until the partition has committed something; false when it does not in time. */
  async #room({ topic, partition }: ProduceRequest, deadlineMs: number): Promise<boolean> {
    const { clock, cluster } = this.#broker;
    const assignment = cluster.state.partition(topic, partition);
    const log = assignment && this.#broker.replica(assignment.group);
    const leftMs = deadlineMs - clock.monotonicMs();
    return log !== undefined && leftMs > 0 && (await log.advanced(leftMs));
  }

  /** Answers what has no unanswered write before it. */
  #settle(lane: Lane, write: Write, outcome: ProduceOutcome): void {
    write.outcome = outcome;
    for (;;) {
      const first = lane.unanswered[0];
      if (first?.outcome === undefined) break;
      lane.unanswered.shift();
      this.#requests -= 1;
      this.#bytes -= first.request.batch.length;
      this.#answer(first.id, first.outcome);
    }
    if (lane.unanswered.length === 0) this.#lanes.delete(lane.key);
  }
}
