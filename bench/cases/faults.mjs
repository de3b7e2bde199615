/** The cases in which the leader of one partition fails, or is moved, while a client writes to it. */
import { setTimeout as pause } from 'node:timers/promises';
import { failoverRounds } from '../lib/failover-rounds.mjs';

/** How long a silent leader stays silent after the next one took over, in milliseconds. */
const SILENCE_MS = 300;

/** @typedef {import('../lib/failover-rounds.mjs').Fault} Fault */

/** @type {Fault} */
const KILL9 = {
  name: 'kill9',
  what: 'kill -9 of the leader',
  inject({ processes, leader }) {
    const gone = processes.kill(leader);
    const atMs = performance.now();
    return { atMs, over: () => gone.then(() => undefined), undo: () => processes.launch(leader) };
  },
};

/** @type {Fault} */
const SIGSTOP = {
  name: 'sigstop',
  what: 'SIGSTOP of the leader',
  inject({ processes, leader }) {
    processes.signal(leader, 'SIGSTOP');
    const undo = () => processes.signal(leader, 'SIGCONT');
    return { atMs: performance.now(), over: silence, undo };
  },
};

/** @type {Fault} */
const GRACEFUL = {
  name: 'graceful',
  what: 'SIGTERM of the leader',
  planned: true,
  extra: { stop_ms: 'SIGTERM until the process was gone' },
  inject({ processes, leader }) {
    const gone = processes.kill(leader, 'SIGTERM');
    const atMs = performance.now();
    const stopped = gone.then(() => ({ stop_ms: performance.now() - atMs }));
    return { atMs, over: () => stopped, undo: () => processes.launch(leader) };
  },
};

/** @type {Fault} */
const REQUESTED = {
  name: 'requested',
  what: 'PartitionFailover of a live leader',
  planned: true,
  extra: {
    failover_ms: 'failover_ms, as the broker says',
    call_ms: 'the call as its caller sees it',
  },
  inject({ observer, ref, leader }) {
    const atMs = performance.now();
    const moved = observer.partitionFailover({ ...ref, failedLeader: leader }).then((result) => {
      return { ...result, callMs: performance.now() - atMs };
    });
    moved.catch(() => undefined); // Seen by over().
    const over = async () => {
      const { failoverMs, callMs, outcome } = await moved;
      if (outcome !== 'MOVED') throw new Error(`a failover ended as ${outcome}`);
      return { failover_ms: failoverMs, call_ms: callMs };
    };
    return { atMs, over };
  },
};

/** @type {Fault} */
const HUNG_FSYNC = {
  name: 'hung-fsync',
  what: "the leader's fdatasync hangs",
  inject({ processes, leader }) {
    processes.hangDisk(leader);
    return { atMs: performance.now(), over: silence, undo: () => processes.freeDisk(leader) };
  },
};

/** @type {Fault} */
const CUT_LINK = {
  name: 'cut-link',
  what: 'the leader is cut off from both others',
  inject({ processes, leader }) {
    processes.proxies.cut(leader);
    return { atMs: performance.now(), over: silence, undo: () => processes.proxies.heal() };
  },
};

async function silence() {
  await pause(SILENCE_MS);
}

export const kill9 = oneLeader(KILL9);
export const sigstop = oneLeader(SIGSTOP);
export const graceful = oneLeader(GRACEFUL);
export const requested = oneLeader(REQUESTED);
export const hungFsync = oneLeader(HUNG_FSYNC, { mayHang: true });
export const cutLink = oneLeader(CUT_LINK, { proxied: true });

/**
 * @param {Fault} fault
 * @param {Partial<import('../lib/broker-processes.mjs').StartOptions>} [brokers]
 * @returns {import('../lib/context.mjs').Case}
 */
function oneLeader(fault, brokers = {}) {
  return { brokers: { balanced: false, ...brokers }, run: (context) => failoverRounds(context, fault) };
}
