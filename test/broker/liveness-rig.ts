/** One peer, whose answers to heartbeats a test decides. */
import { Liveness } from '../../src/broker/liveness.js';
import { ManualClock } from './manual-clock.js';

/** A link to n2 whose far end answers heartbeats after `delayMs`, as long as `answers` is true. */
export class Rig {
  readonly clock = new ManualClock();
  readonly ups: number[] = [];
  readonly downs: { readonly atMs: number; readonly cause: string }[] = [];
  readonly renewals: number[] = [];
  readonly sent: number[] = [];
  answers = true;
  delayMs = 1;
  idle = false;
  onDown: () => void = () => undefined;
  readonly liveness = new Liveness(this.clock, {
    beat: () => undefined,
    isIdle: () => this.idle,
    sendHeartbeat: (peer, sequence) => {
      this.sent.push(sequence);
      if (this.answers) this.clock.schedule(this.delayMs, () => this.liveness.confirmed(peer, sequence));
    },
    linkUp: () => this.ups.push(this.clock.monotonicMs()),
    linkDown: (_peer, cause) => {
      this.downs.push({ atMs: this.clock.monotonicMs(), cause });
      this.onDown();
    },
    linkRenewed: () => this.renewals.push(this.clock.monotonicMs()),
  });

  constructor() {
    this.liveness.add('n2');
  }

  get up(): boolean {
    return this.liveness.isUp('n2');
  }

  /** Opens both streams and lets the first heartbeat come back. */
  connect(): this {
    this.liveness.start();
    this.liveness.dataStream('n2', true);
    this.liveness.heartbeatStream('n2', true);
    this.clock.advance(this.delayMs);
    return this;
  }
}
