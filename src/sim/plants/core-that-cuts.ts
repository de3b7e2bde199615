/** A core that cuts its log behind whatever append arrives, a late one too (B18): all behind may be committed. */

import type { Message } from '../../raft/messages.js';
import { Raft } from '../../raft/raft.js';
import type { Ready } from '../../raft/ready.js';
import { asLogIndex, asTerm, type BrokerId, type HardState, type LogIndex } from '../../raft/types.js';

type Parts = ConstructorParameters<typeof Raft>;

/** A cut makes a new core on what is left; to its owner it looks like one. */
export function newCutsBehindAppends(...[config, source, recovered, observer]: Parts): Raft {
  let core = new Raft(config, source, recovered, observer);
  const alive = new Set<BrokerId>();
  let hardState: HardState = recovered?.hardState ?? {
    term: asTerm(0),
    votedFor: undefined,
    commit: asLogIndex(0),
  };
  /** Writes that were handed out by the cores before this one. */
  let handedOut = 0;
  let sequence = 0;

  const cut = (nowMs: number, last: LogIndex): void => {
    const old = core;
    const commit = asLogIndex(Math.min(old.commitIndex, last));
    const log = { ...recovered?.log, lastIndex: last, termAt: (index: LogIndex) => old.termAt(index) };
    core = new Raft(config, source, { hardState: { ...hardState, commit }, log } as Parts[2], observer);
    observer?.truncatedFrom(asLogIndex(last + 1));
    core.start(nowMs, alive);
    handedOut = sequence;
  };

  const own: Partial<Record<PropertyKey, unknown>> = {
    step: (nowMs: number, message: Message): void => {
      if (message.kind === 'append' && message.term === hardState.term && core.leader === message.from) {
        const last = asLogIndex(message.prevLogIndex + message.entries.length);
        const isHere = core.termAt(message.prevLogIndex) === message.prevLogTerm;
        if (isHere && last < core.durableIndex && core.durableIndex === core.lastIndex) cut(nowMs, last);
      }
      core.step(nowMs, message);
    },
    ready: (nowMs: number): Ready => {
      const ready = core.ready(nowMs);
      hardState = ready.hardState ?? hardState;
      sequence = handedOut + ready.sequence;
      return { ...ready, sequence };
    },
    persisted: (nowMs: number, upTo: number): void => {
      if (upTo > handedOut) core.persisted(nowMs, upTo - handedOut);
    },
    start: (nowMs: number, up: Iterable<BrokerId> = []): void => {
      for (const peer of up) alive.add(peer);
      core.start(nowMs, alive);
    },
    peerUp: (nowMs: number, peer: BrokerId): void => {
      alive.add(peer);
      core.peerUp(nowMs, peer);
    },
    peerDown: (nowMs: number, peer: BrokerId): void => {
      alive.delete(peer);
      core.peerDown(nowMs, peer);
    },
  };
  return new Proxy(core, {
    get(_, key): unknown {
      if (key in own) return own[key];
      const value: unknown = Reflect.get(core, key, core);
      return typeof value === 'function' ? (value.bind(core) as unknown) : value;
    },
  });
}
