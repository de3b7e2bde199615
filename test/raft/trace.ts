/** What happens in a harness cluster, step by step, for whoever wants to watch. */

import type { Snapshot } from '../../src/raft/log.js';
import type { Message } from '../../src/raft/messages.js';
import type { Raft } from '../../src/raft/raft.js';
import type { BrokerId, Entry, HardState } from '../../src/raft/types.js';
import type { ResignNotice } from './fake-network.js';

export type TraceEvent =
  | { readonly kind: 'timer'; readonly id: BrokerId; readonly nowMs: number }
  /** `running` is false when the addressee is down, and the message is lost on it. */
  | { readonly kind: 'arrives'; readonly message: Message; readonly running: boolean }
  | { readonly kind: 'hears'; readonly notice: ResignNotice; readonly running: boolean }
  /** `lost` is true when the way is closed. */
  | { readonly kind: 'sends'; readonly message: Message; readonly lost: boolean }
  | { readonly kind: 'announces'; readonly notice: ResignNotice }
  /** `held` is true when the write waits for a `sync` of the test. */
  | {
      readonly kind: 'writes';
      readonly id: BrokerId;
      readonly sequence: number;
      readonly hardState: HardState | undefined;
      readonly snapshot: Snapshot | undefined;
      readonly entries: readonly Entry[];
      readonly held: boolean;
    }
  | { readonly kind: 'synced'; readonly id: BrokerId; readonly sequence: number }
  /** All that one input asked for is done. */
  | { readonly kind: 'rests'; readonly id: BrokerId; readonly raft: Raft };

export type Trace = (event: TraceEvent) => void;

export function noTrace(): void {
  // Nobody watches.
}
