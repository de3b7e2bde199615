/**
 * What the links to other brokers mean for a replica. Whether one is up is decided outside, for all groups of a
 * pair of brokers at once. Pure.
 */

import { lostPeer } from './election.js';
import { watchQuorum } from './leader.js';
import { type RaftState, scheduleFirstCampaign, watchLeader } from './state.js';
import { expireTransfer } from './transfer.js';
import type { BrokerId } from './types.js';

/** Begins to take part, with the brokers whose links are up. */
export function begin(state: RaftState, nowMs: number, alive: Iterable<BrokerId>): void {
  for (const peer of alive) state.alive.add(peer);
  state.alive.delete(state.config.id);
  scheduleFirstCampaign(state, nowMs);
}

/** The link to a broker is up: what was sent before may be lost. */
export function linkUp(state: RaftState, nowMs: number, peer: BrokerId): void {
  if (peer === state.config.id) return;
  state.alive.add(peer);
  state.leadership?.progress.get(peer)?.toProbe();
  watchQuorum(state, nowMs);
  if (state.leader === peer) watchLeader(state, nowMs, peer);
  const idle = state.role === 'follower' && state.leader === undefined;
  if (!idle || state.electionDeadlineMs !== Infinity) return;
  scheduleFirstCampaign(state, nowMs);
}

/**
 * The connection to a broker broke and stands again, and the link was never down. The broker may have another life
 * behind it, or have let this replica go meanwhile: a leader there is believed until it is heard, but not for ever.
 */
export function linkRenewed(state: RaftState, nowMs: number, peer: BrokerId): void {
  linkUp(state, nowMs, peer);
  state.leadership?.leaving.delete(peer);
  if (state.role !== 'follower' || state.leader !== peer) return;
  state.electionDeadlineMs = nowMs + state.config.tuning.unconfirmedLeaderMs;
}

/** A broker is suspected dead or cut off. */
export function linkDown(state: RaftState, nowMs: number, peer: BrokerId): void {
  state.alive.delete(peer);
  state.leadership?.leaving.delete(peer);
  state.leadership?.progress.get(peer)?.toProbe();
  watchQuorum(state, nowMs);
  expireTransfer(state, nowMs);
  lostPeer(state, nowMs, peer);
}
