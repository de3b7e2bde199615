import { beforeEach, describe, expect, it } from 'vitest';
import { LeadershipRecorder } from '../../src/broker/leadership-recorder.js';
import { LIMITS } from '../../src/broker/limits.js';
import type { RecordLeadership } from '../../src/cluster/commands.js';
import type { LeadershipReport } from '../../src/cluster/leadership-change.js';
import { asGroupId } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';
import { settled } from './outcomes.js';

function report(group: number): LeadershipReport {
  return {
    group: asGroupId(group),
    term: 1,
    leader: 'n1',
    previousLeader: '',
    previousTerm: 0,
    cause: 'CREATED',
    changedAtMs: 1,
    detectUs: undefined,
    electUs: undefined,
    commitUs: 1,
    blockedUs: undefined,
  };
}

class Rig {
  readonly clock = new ManualClock();
  readonly submitted: RecordLeadership[] = [];
  readonly told: string[] = [];
  isServing = true;
  /** Ends the submission under way. */
  end: (error?: Error) => void = () => undefined;
  readonly recorder = new LeadershipRecorder({
    clock: this.clock,
    isServing: () => this.isServing,
    submit: (command) => {
      this.submitted.push(command);
      return new Promise((resolve, reject) => {
        this.end = (error) => {
          if (error === undefined) resolve();
          else reject(error);
        };
      });
    },
    log: (message, facts) => this.told.push(`${message} ${JSON.stringify(facts)}`),
  });

  async ended(error?: Error): Promise<void> {
    this.end(error);
    await this.pass();
  }

  async pass(): Promise<void> {
    do await settled();
    while (this.clock.runDeferred() > 0);
  }

  get groups(): readonly (readonly number[])[] {
    return this.submitted.map(({ changes }) => changes.map(({ group }) => group));
  }
}

describe('LeadershipRecorder', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  it('submits one batch at a time, and all that came meanwhile in the next', async () => {
    rig.recorder.changed(report(1));
    rig.recorder.changed(report(2));
    await rig.pass();
    expect(rig.groups).toEqual([[1, 2]]);
    rig.recorder.changed(report(3));
    rig.recorder.wroteFirst({ group: asGroupId(1), term: 1, firstWriteUs: 7 });
    await rig.pass();
    expect(rig.submitted).toHaveLength(1);
    await rig.ended();
    expect(rig.groups).toEqual([[1, 2], [3]]);
    expect(rig.submitted[1]?.firstWrites).toEqual([{ group: 1, term: 1, firstWriteUs: 7 }]);
    await rig.ended();
    rig.recorder.changed(report(4));
    await rig.pass();
    expect(rig.groups.at(-1)).toEqual([4]);
  });

  it('sends the same again until it is accepted', async () => {
    rig.recorder.changed(report(1));
    await rig.pass();
    await rig.ended(new Error('no controller'));
    expect(rig.submitted).toHaveLength(1);
    rig.clock.advance(LIMITS.registerRetryMs);
    await rig.pass();
    expect(rig.groups).toEqual([[1], [1]]);
    await rig.ended();
    rig.clock.advance(60_000);
    await rig.pass();
    expect(rig.submitted).toHaveLength(2);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('keeps its batches and its queue within their bounds, and says what it dropped', async () => {
    const { leadershipBatchMax: batch, leadershipReportsMax: max } = LIMITS;
    rig.recorder.changed(report(1));
    await rig.pass();
    for (let group = 2; group <= max + 4; group++) rig.recorder.changed(report(group));
    await rig.ended();
    expect(rig.groups[1]).toEqual(Array.from({ length: batch }, (_, i) => 5 + i));
    expect(rig.told).toEqual(['the history of leadership lacks changes {"dropped":3}']);
  });

  it('stops with the broker', async () => {
    rig.recorder.changed(report(1));
    await rig.pass();
    rig.isServing = false;
    await rig.ended(new Error('gone'));
    rig.clock.advance(60_000);
    await rig.pass();
    expect(rig.submitted).toHaveLength(1);
    expect(rig.clock.pendingTimers).toBe(0);
  });
});
