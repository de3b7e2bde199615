/**
 * Leadership transfer (Ongaro's thesis section 3.10) in two phases: the target catches up while writes
 * go on; then writes are refused, for `maxBlockMs` at most, until it has everything and is told to
 * campaign. When a phase runs out the leader goes on as before (no leaked flag: B22, B23). Pure.
 */

import { type RaftState, type Transfer, votersOf } from './state.js';
import type { TransferCause } from './messages.js';
import type { BrokerId, Term } from './types.js';

/** Why a transfer did not begin. */
export type TransferRefusal = 'notLeader' | 'alreadyTransferring' | 'targetNotEligible';

export type TransferResult = { readonly ok: true } | { readonly ok: false; readonly reason: TransferRefusal };

/** Begins a transfer; `target` undefined picks the best live follower. */
export function startTransfer(
  state: RaftState,
  nowMs: number,
  target: BrokerId | undefined,
  maxBlockMs: number,
  cause: TransferCause,
): TransferResult {
  const { leadership } = state;
  if (leadership === undefined) return { ok: false, reason: 'notLeader' };
  if (leadership.transfer !== undefined) return { ok: false, reason: 'alreadyTransferring' };
  const chosen = target ?? bestFollower(state, nowMs);
  if (chosen === undefined || !isCandidate(state, chosen)) {
    return { ok: false, reason: 'targetNotEligible' };
  }
  leadership.transfer = {
    target: chosen,
    catchUpIndex: state.log.lastIndex,
    maxBlockMs,
    cause,
    deadlineMs: nowMs + state.config.tuning.transferCatchUpMs,
    blocked: false,
    blockedSinceMs: Infinity,
    timeoutNowSent: false,
  };
  advanceTransfer(state, nowMs);
  return { ok: true };
}

/** Takes the transfer as far as the target's log allows. */
export function advanceTransfer(state: RaftState, nowMs: number): void {
  const { leadership } = state;
  const transfer = leadership?.transfer;
  const progress = transfer === undefined ? undefined : leadership?.progress.get(transfer.target);
  if (transfer === undefined || progress === undefined) return;
  if (!transfer.blocked && progress.match >= transfer.catchUpIndex) {
    transfer.blocked = true;
    transfer.blockedSinceMs = nowMs;
    transfer.deadlineMs = nowMs + transfer.maxBlockMs;
  }
  if (transfer.blocked && !transfer.timeoutNowSent && progress.match === state.log.lastIndex) {
    orderCampaign(state, nowMs, transfer);
  }
}

/** Gives a transfer up when its phase ran out or its target was lost. */
export function expireTransfer(state: RaftState, nowMs: number): void {
  const { leadership } = state;
  const transfer = leadership?.transfer;
  if (leadership === undefined || transfer === undefined) return;
  if (transfer.deadlineMs <= nowMs || !isCandidate(state, transfer.target)) leadership.transfer = undefined;
}

/**
 * Takes in that the target refused the order to campaign in `term`: the leader goes on at once.
 *
 * @param isLeaving Its broker is about to stop, and is not asked again; else it may be.
 */
export function transferRefused(state: RaftState, target: BrokerId, term: Term, isLeaving: boolean): void {
  const { leadership } = state;
  if (leadership === undefined || state.term !== term) return;
  if (isLeaving) leadership.leaving.add(target);
  if (leadership.transfer?.target === target) leadership.transfer = undefined;
}

/** Only a live voter that stays can take the leadership over. */
function isCandidate(state: RaftState, id: BrokerId): boolean {
  if (id === state.config.id || state.leadership?.leaving.has(id) === true) return false;
  return votersOf(state).includes(id) && state.alive.has(id);
}

function orderCampaign(state: RaftState, nowMs: number, transfer: Transfer): void {
  transfer.timeoutNowSent = true;
  state.messages.push({
    kind: 'timeoutNow',
    from: state.config.id,
    to: transfer.target,
    term: state.term,
    cause: transfer.cause,
    blockedMs: Math.max(0, nowMs - transfer.blockedSinceMs),
  });
}

/**
 * The live follower to hand over to: one that has all that is committed before one that lags, one that
 * was not deposed lately before one that was, then the longest log, then preference.
 */
export function bestFollower(state: RaftState, nowMs: number): BrokerId | undefined {
  const { deposed, log, leadership } = state;
  let best: { readonly id: BrokerId; readonly score: readonly number[] } | undefined;
  for (const id of votersOf(state)) {
    const match = leadership?.progress.get(id)?.match;
    if (match === undefined || !isCandidate(state, id)) continue;
    const cooling = deposed?.id === id && deposed.untilMs > nowMs;
    const score = [match >= log.commitIndex ? 1 : 0, cooling ? 0 : 1, match];
    if (best === undefined || isHigher(score, best.score)) best = { id, score };
  }
  return best?.id;
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at !== -1 && (a[at] ?? 0) > (b[at] ?? 0);
}
