/** Elections: pre-votes, votes, and the stickiness that protects a working leader. Pure. */

import { invariant } from '../invariant.js';
import { becomeLeader } from './leader.js';
import type { CommitClaim, VoteReply, VoteRequest } from './messages.js';
import { voteResult } from './quorum.js';
import {
  becomeFollower,
  endLeadership,
  forgetLeader,
  isTrusted,
  isVoter,
  mayCampaign,
  noteDeposed,
  type RaftState,
  remembers,
  scheduleCampaign,
  votersOf,
} from './state.js';
import { asTerm, type BrokerId, type Term } from './types.js';

/** How many ranks later one campaigns that gave its pre-vote away: above a round of votes of many groups. */
const GIVE_WAY_RANKS = 5;

/**
 * Asks whether a campaign would succeed, without disturbing anybody (Ongaro's thesis section 9.6).
 * Dead peers are not asked and not waited for.
 */
export function startPreVote(state: RaftState, nowMs: number): void {
  invariant(state.role !== 'leader' && isVoter(state), 'only a voter that does not lead campaigns');
  state.role = 'preCandidate';
  state.leader = undefined;
  state.campaign = { votes: new Map(), leadershipTransfer: false, ownVoteSequence: undefined };
  state.campaign.votes.set(state.config.id, true);
  setCampaignTimeout(state, nowMs);
  requestVotes(state, true, false);
  decide(state, nowMs);
}

/**
 * Campaigns in a new term (Raft section 5.2). The own vote is written first and counts once it is
 * durable; the requests leave only then, so that no term is ever campaigned in twice.
 */
export function startCampaign(state: RaftState, nowMs: number, leadershipTransfer: boolean): void {
  invariant(state.role !== 'leader' && isVoter(state), 'only a voter that does not lead campaigns');
  if (state.leader !== undefined) noteDeposed(state, nowMs, state.leader);
  state.role = 'candidate';
  state.term = asTerm(state.term + 1);
  state.votedFor = state.config.id;
  state.leader = undefined;
  state.hardStateDirty = true;
  state.campaign = {
    votes: new Map(),
    leadershipTransfer,
    ownVoteSequence: state.writeSequence + 1,
  };
  setCampaignTimeout(state, nowMs);
  requestVotes(state, false, leadershipTransfer);
}

/** Counts the candidate's own vote once it is on disk. */
export function countOwnVote(state: RaftState, nowMs: number): void {
  const own = state.campaign?.ownVoteSequence;
  if (state.role !== 'candidate' || own === undefined || own > state.persistedSequence) return;
  state.campaign?.votes.set(state.config.id, true);
  decide(state, nowMs);
}

/**
 * Learners, and replicas that are no members by their own log, vote as well: the candidate's log may have a
 * membership that they have not seen yet (etcd/raft, campaign_learner_must_vote). It is the candidate's
 * membership that says whose votes count.
 */
export function onVoteRequest(state: RaftState, nowMs: number, request: VoteRequest): void {
  learnCommit(state, nowMs, request);
  // A leader that asks for votes in a later term leads no more, whether or not it gets them.
  if (request.term > state.term && request.from === state.leader) {
    endLeadership(state, nowMs, request.from, state.term);
  }
  if (request.term < state.term || sticksToLeader(state, request) || !remembers(state)) {
    reply(state, request, false);
    announceLeader(state, request.from);
    return;
  }
  if (request.preVote) {
    const granted =
      request.term > state.term && state.log.isUpToDate(request.lastLogIndex, request.lastLogTerm);
    if (granted) giveWay(state, nowMs, request.from);
    reply(state, request, granted);
    return;
  }
  if (request.term > state.term) becomeFollower(state, nowMs, request.term, undefined);
  const free = state.votedFor === undefined || state.votedFor === request.from;
  const granted = free && state.log.isUpToDate(request.lastLogIndex, request.lastLogTerm);
  if (granted) {
    state.role = 'follower';
    state.campaign = undefined;
    if (state.votedFor === undefined) {
      state.votedFor = request.from;
      state.hardStateDirty = true;
    }
    awaitCandidate(state, nowMs, request.from);
  }
  reply(state, request, granted);
}

/** A voter that still hears the leader refuses others, unless the leader itself asked for the campaign. */
function sticksToLeader(state: RaftState, request: VoteRequest): boolean {
  const { leader } = state;
  if (leader === undefined || leader === request.from || request.leadershipTransfer) return false;
  return leader === state.config.id || isTrusted(state, leader);
}

/**
 * A leader with nothing on the way to a voter that campaigns sends it an append: in an idle group nothing
 * else would tell it who leads, or tell the leader that the voter is in a later term.
 */
function announceLeader(state: RaftState, voter: BrokerId): void {
  const progress = state.leadership?.progress.get(voter);
  if (progress?.waitingSinceMs === undefined) progress?.toProbe();
}

/** What is committed is committed everywhere: a replica with the same entry may take another's word for it. */
function learnCommit(state: RaftState, nowMs: number, claim: CommitClaim): void {
  const { log, role } = state;
  if (role === 'leader' || log.termAt(claim.commitIndex) !== claim.commitTerm) return;
  const { membershipIndex } = log;
  if (log.commitTo(claim.commitIndex) && state.config.persistCommit) state.hardStateDirty = true;
  // With other voters it may hear a quorum now.
  const waits = role === 'follower' && state.leader === undefined && state.electionDeadlineMs === Infinity;
  if (waits && log.membershipIndex !== membershipIndex) scheduleCampaign(state, nowMs);
}

function commitClaim({ log }: RaftState): CommitClaim {
  const { commitIndex } = log;
  return { commitIndex, commitTerm: log.termAt(commitIndex) ?? asTerm(0) };
}

export function onVoteReply(state: RaftState, nowMs: number, reply: VoteReply): void {
  learnCommit(state, nowMs, reply);
  if (!reply.granted && reply.term > state.term) {
    becomeFollower(state, nowMs, reply.term, undefined);
    return;
  }
  countVote(state, nowMs, reply.from, reply.preVote, reply.requestedTerm, reply.granted);
}

function countVote(
  state: RaftState,
  nowMs: number,
  voter: BrokerId,
  preVote: boolean,
  term: Term,
  granted: boolean,
): void {
  const { campaign } = state;
  if (campaign === undefined) return;
  const expectedTerm = preVote ? state.term + 1 : state.term;
  const expectedRole = preVote ? 'preCandidate' : 'candidate';
  if (state.role !== expectedRole || term !== expectedTerm) return;
  if (!campaign.votes.has(voter)) campaign.votes.set(voter, granted);
  decide(state, nowMs);
}

/** Gives a campaign up and sets the time of the next. */
export function failCampaign(state: RaftState, nowMs: number): void {
  state.role = 'follower';
  state.campaign = undefined;
  state.failedCampaigns += 1;
  scheduleCampaign(state, nowMs);
}

/**
 * Looks whether the campaign is won or lost, by the voters now in force. A dead voter counts as a refusal:
 * nobody waits for it.
 */
export function decide(state: RaftState, nowMs: number): void {
  const { campaign } = state;
  if (campaign === undefined) return;
  if (!mayCampaign(state)) {
    failCampaign(state, nowMs);
    return;
  }
  let granted = 0;
  let refused = 0;
  const voters = votersOf(state);
  for (const voter of voters) {
    const vote = campaign.votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false || (voter !== state.config.id && !state.alive.has(voter))) refused += 1;
  }
  switch (voteResult(voters.length, granted, refused)) {
    case 'won':
      if (state.role === 'preCandidate') startCampaign(state, nowMs, false);
      else becomeLeader(state, nowMs);
      break;
    case 'lost':
      failCampaign(state, nowMs);
      break;
    case 'pending':
      break;
  }
}

/**
 * A replica that says yes to another's pre-vote lets it go first. Once: a candidate that cannot win asks again
 * and again, and must not hold up for ever one that can.
 */
function giveWay(state: RaftState, nowMs: number, candidate: BrokerId): void {
  if (state.role !== 'follower' || state.awaited === candidate) return;
  state.awaited = candidate;
  const laterMs = nowMs + GIVE_WAY_RANKS * state.config.tuning.rankDelayMs;
  if (state.electionDeadlineMs < laterMs) state.electionDeadlineMs = laterMs;
}

/**
 * One that gave its vote waits for as long as the candidate can take to win. When the link breaks it goes on at
 * once; see `lostPeer`. A candidate without a link, whose request came late, is awaited as such a leader is.
 */
function awaitCandidate(state: RaftState, nowMs: number, candidate: BrokerId): void {
  state.awaited = candidate;
  if (state.alive.has(candidate)) setCampaignTimeout(state, nowMs);
  else state.electionDeadlineMs = nowMs + state.config.tuning.unconfirmedLeaderMs;
}

/** Takes in that the link to a broker broke: it votes no more, and what it was to win is open again. */
export function lostPeer(state: RaftState, nowMs: number, peer: BrokerId): void {
  decide(state, nowMs);
  if (state.leader === peer) forgetLeader(state, nowMs);
  else if (state.awaited === peer && state.role === 'follower' && state.leader === undefined) {
    scheduleCampaign(state, nowMs);
  }
}

/** Takes in that a request for a vote will not be answered: that is no vote, and nobody waits for it. */
export function onVoteUnanswered(state: RaftState, nowMs: number, request: VoteRequest): void {
  countVote(state, nowMs, request.to, request.preVote, request.term, false);
}

function requestVotes(state: RaftState, preVote: boolean, leadershipTransfer: boolean): void {
  for (const peer of votersOf(state)) {
    if (peer === state.config.id || !state.alive.has(peer)) continue;
    const request: VoteRequest = {
      kind: 'voteRequest',
      from: state.config.id,
      to: peer,
      term: preVote ? asTerm(state.term + 1) : state.term,
      preVote,
      leadershipTransfer,
      lastLogIndex: state.log.lastIndex,
      lastLogTerm: state.log.lastTerm,
      ...commitClaim(state),
    };
    (preVote ? state.messages : state.messagesAfterPersist).push(request);
  }
}

function reply(state: RaftState, request: VoteRequest, granted: boolean): void {
  state.messagesAfterPersist.push({
    kind: 'voteReply',
    from: state.config.id,
    to: request.from,
    term: state.term,
    preVote: request.preVote,
    requestedTerm: request.term,
    granted,
    ...commitClaim(state),
  });
}

function setCampaignTimeout(state: RaftState, nowMs: number): void {
  state.electionDeadlineMs = nowMs + randomElectionTimeout(state);
}

function randomElectionTimeout(state: RaftState): number {
  const { electionTimeoutMsMin, electionTimeoutMsMax } = state.config.tuning;
  return electionTimeoutMsMin + state.config.random() * (electionTimeoutMsMax - electionTimeoutMsMin);
}
