/**
 * Random schedules from one seed: first everything goes wrong, then everything is healed and the group
 * must get on by itself (L1 to L4). Which faults a schedule has, and how often, is drawn as well.
 */

import { invariant } from '../../src/invariant.js';
import type { Raft } from '../../src/raft/raft.js';
import type { BrokerId } from '../../src/raft/types.js';
import { Cluster } from './harness.js';

/** Longest time that a healed group may take to come to rest, in virtual milliseconds. */
const HEAL_MS = 10_000;

/** Small limits, so that a short run meets all of them. */
const TIGHT = {
  appendBytesMax: 24,
  inflightMessagesMax: 2,
  inflightBytesMax: 32,
  uncommittedBytesMax: 64,
  waitingReadsMax: 4,
  snapshotChunkBytes: 16,
  retransmitMs: 200,
  transferCatchUpMs: 100,
  electionTimeoutMsMin: 150,
  electionTimeoutMsMax: 300,
};

type Action = (cluster: Cluster) => void;

interface Weighted {
  readonly act: Action;
  readonly weight: number;
}

/** Runs one schedule, on the production core unless told; throws at the first broken property, naming the seed. */
export function runSchedule(seed: number, steps: number, core?: typeof Raft): Cluster {
  const cluster = new Cluster({
    seed,
    ...(core && { core }),
    replicas: seed % 3 === 0 ? 5 : 3,
    // Some replicas come in later, by a change of the membership.
    ...(seed % 5 === 0 && { replicas: 5, voters: 3 }),
    persistCommit: seed % 2 === 0,
    ...(seed % 4 === 3 ? {} : { tuning: TIGHT }),
  });
  let step = 0;
  try {
    if (cluster.random.next() < 0.8) cluster.heal();
    const actions = drawActions(cluster);
    for (; step < steps; step++) pickAction(cluster, actions)(cluster);
    healAndConverge(cluster);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${String(seed)}, step ${String(step)}: ${message}`, { cause: error });
  }
  return cluster;
}

function drawActions(cluster: Cluster): readonly Weighted[] {
  const { random } = cluster;
  const sometimes = (weight: number): number => (random.next() < 0.6 ? weight * random.next() : 0);
  for (const id of cluster.ids) if (random.next() < 0.5) cluster.holdSyncs(id);
  return [
    { act: deliverAny, weight: 30 },
    { act: (one) => one.deliver(), weight: 30 },
    { act: (one) => one.deliverNotice(), weight: 4 },
    { act: syncOne, weight: 20 },
    { act: proposeSome, weight: 8 },
    { act: readSome, weight: 8 },
    { act: passTime, weight: 14 },
    { act: dropOne, weight: sometimes(5) },
    { act: duplicateOne, weight: sometimes(5) },
    { act: crashOne, weight: sometimes(3) },
    { act: restartOne, weight: 3 },
    { act: cutSome, weight: sometimes(4) },
    { act: noticeOne, weight: 3 },
    { act: reopenSome, weight: 3 },
    { act: (one) => one.heal(), weight: 0.6 },
    { act: transferLeader, weight: sometimes(2) },
    { act: (one) => onAny(one, (id) => one.input(id, (raft, now) => raft.campaign(now))), weight: 0.5 },
    { act: stepDownLeader, weight: sometimes(1) },
    { act: toggleSyncs, weight: sometimes(2) },
    { act: changeMembership, weight: sometimes(6) },
    { act: compactSome, weight: sometimes(8) },
  ];
}

function pickAction(cluster: Cluster, actions: readonly Weighted[]): Action {
  const total = actions.reduce((sum, action) => sum + action.weight, 0);
  let at = cluster.random.next() * total;
  for (const { act, weight } of actions) {
    at -= weight;
    if (at < 0) return act;
  }
  return deliverAny;
}

function onAny(cluster: Cluster, act: (id: BrokerId) => unknown): void {
  const id = cluster.random.pick(cluster.running);
  if (id !== undefined) act(id);
}

function deliverAny(cluster: Cluster): void {
  const { messages } = cluster.network;
  const chosen = cluster.random.pick(messages);
  cluster.deliver((message) => message === chosen);
}

function dropOne(cluster: Cluster): void {
  const lost = cluster.random.pick(cluster.network.messages);
  cluster.network.drop((message) => message === lost);
}

function duplicateOne(cluster: Cluster): void {
  const twice = cluster.random.pick(cluster.network.messages);
  if (twice !== undefined) cluster.network.messages.push(twice);
}

function syncOne(cluster: Cluster): void {
  const id = cluster.random.pick(cluster.running.filter((one) => cluster.disk(one).pendingWrites > 0));
  if (id !== undefined) cluster.sync(id);
}

function toggleSyncs(cluster: Cluster): void {
  onAny(cluster, (id) => (cluster.random.next() < 0.5 ? cluster.holdSyncs(id) : cluster.releaseSyncs(id)));
}

function proposeSome(cluster: Cluster): void {
  const leader = cluster.random.pick(cluster.running.filter((id) => cluster.raft(id).role === 'leader'));
  if (leader === undefined) return;
  const text = 'x'.repeat(1 + cluster.random.below(16));
  for (let i = cluster.random.below(4); i >= 0; i--) cluster.propose(leader, text);
}

/** Asks whoever believes to lead, so a deposed leader that does not know it too. */
function readSome(cluster: Cluster): void {
  const leader = cluster.random.pick(cluster.running.filter((id) => cluster.raft(id).role === 'leader'));
  if (leader === undefined) return;
  for (let i = cluster.random.below(3); i >= 0; i--) cluster.read(leader);
}

/** Mostly a little, so that messages and disks keep up; at times until a timer, or past it. */
function passTime(cluster: Cluster): void {
  const { random } = cluster;
  const kind = random.next();
  const toNextMs = Math.max(cluster.deadlineMs - cluster.nowMs, 0);
  if (kind < 0.7) cluster.nowMs += random.below(20);
  else if (kind < 0.9) cluster.nowMs += toNextMs < Infinity ? toNextMs : 0;
  else cluster.nowMs += random.below(400);
  cluster.tick();
}

function crashOne(cluster: Cluster): void {
  const { random } = cluster;
  onAny(cluster, (id) => {
    const writes = random.below(cluster.disk(id).pendingWrites + 1);
    const survived = { writes, tornEntries: random.next() < 0.5 ? random.below(4) : undefined };
    if (random.next() < 0.5) cluster.crash(id, survived);
    else cluster.crashUnseen(id, survived);
  });
}

function restartOne(cluster: Cluster): void {
  const crashed = cluster.random.pick(cluster.ids.filter((id) => !cluster.isRunning(id)));
  if (crashed !== undefined) cluster.restart(crashed);
}

/** Cuts one direction, both, or a whole replica off; or loses messages without anybody noticing. */
function cutSome(cluster: Cluster): void {
  const { random } = cluster;
  const chosen = random.pick(pairs(cluster));
  if (chosen === undefined) return;
  const [a, b] = chosen;
  const kind = random.next();
  if (kind < 0.3) cluster.cutOneWay(a, b);
  else if (kind < 0.6) cluster.disconnect(a, b);
  else if (kind < 0.8) cluster.isolate(a);
  else cluster.network.close(a, b);
}

/** Somebody notices what is broken at last. */
function noticeOne(cluster: Cluster): void {
  onAny(cluster, (id) => {
    const lost = cluster.ids.filter((peer) => !cluster.isRunning(peer) || !cluster.network.isOpen(peer, id));
    const peer = cluster.random.pick(lost);
    if (peer !== undefined) cluster.suspect(id, peer);
  });
}

function reopenSome(cluster: Cluster): void {
  const broken = pairs(cluster).filter(
    ([from, to]) => !cluster.network.isOpen(from, to) || !cluster.raft(to).isAlive(from),
  );
  const chosen = cluster.random.pick(broken);
  if (chosen === undefined) return;
  const [a, b] = chosen;
  cluster.network.open(a, b);
  cluster.hear(b, a);
  if (cluster.random.next() < 0.5) return;
  cluster.network.open(b, a);
  cluster.hear(a, b);
}

function transferLeader(cluster: Cluster): void {
  const { random, leader } = cluster;
  if (leader === undefined) return;
  const target = random.next() < 0.3 ? undefined : random.pick(cluster.ids);
  cluster.input(leader, (raft, now) =>
    raft.transferLeadership(now, target, 20 + random.below(100), 'REQUESTED'),
  );
}

function stepDownLeader(cluster: Cluster): void {
  const { leader } = cluster;
  if (leader !== undefined) cluster.input(leader, (raft, now) => raft.stepDown(now, 'DISK_STALLED'));
}

/** Has a leader propose any step that the rules allow, sensible or not. */
function changeMembership(cluster: Cluster): void {
  const leader = cluster.random.pick(cluster.running.filter((id) => cluster.raft(id).role === 'leader'));
  if (leader === undefined) return;
  const { voters, learners } = cluster.raft(leader).membership;
  const id = cluster.random.pick(cluster.ids.filter((one) => one !== leader));
  if (id === undefined) return;
  const others = {
    voters: voters.filter((one) => one !== id),
    learners: learners.filter((one) => one !== id),
  };
  const isMember = voters.includes(id) || learners.includes(id);
  const kind = cluster.random.next();
  if (!isMember) cluster.changeMembership(leader, { voters, learners: [...learners, id] });
  else if (voters.includes(id) && kind < 0.3) {
    cluster.changeMembership(leader, { voters: others.voters, learners: [...others.learners, id] });
  } else if (kind < 0.5) cluster.changeMembership(leader, others);
  else cluster.changeMembership(leader, { voters: [...others.voters, id], learners: others.learners });
}

function compactSome(cluster: Cluster): void {
  onAny(cluster, (id) => {
    const { commitIndex, durableIndex, snapshot } = cluster.raft(id);
    const base = snapshot?.index ?? 0;
    const room = Math.min(commitIndex, durableIndex) - base;
    if (room > 0) cluster.compact(id, base + 1 + cluster.random.below(room));
  });
}

/** All ordered pairs of running replicas. */
function pairs(cluster: Cluster): readonly (readonly [BrokerId, BrokerId])[] {
  const { running } = cluster;
  return running.flatMap((a) => running.filter((b) => b !== a).map((b) => [a, b] as const));
}

/** Ends all faults, then asks for one leader, equal logs, a new commit, and rest. */
function healAndConverge(cluster: Cluster): void {
  for (const id of cluster.ids) {
    if (!cluster.isRunning(id)) cluster.restart(id);
    cluster.releaseSyncs(id);
  }
  cluster.heal();
  cluster.advance(HEAL_MS);
  retireStrangers(cluster);
  cluster.advance(HEAL_MS);
  const leader = converged(cluster);
  const proposed = cluster.propose(leader, 'fresh');
  invariant(proposed.ok, 'L3: a healed group takes a proposal', { proposed });
  const read = cluster.read(leader);
  invariant(read.ok, 'L3: a healed group takes a read', { read });
  cluster.advance(HEAL_MS);
  converged(cluster);
  const confirmed = cluster.history.confirmedReads.at(-1);
  invariant(confirmed?.replica === leader && confirmed.id === read.id, 'L3: a healed group confirms a read');
  invariant(cluster.raft(leader).commitIndex >= proposed.index, 'L3: a healed group commits a proposal');
}

/** A broker drops a replica that is no member any more; one that nobody tells would ask for votes for ever. */
function retireStrangers(cluster: Cluster): void {
  const { leader } = cluster;
  invariant(leader !== undefined, 'L1: a healed group has a leader');
  const members = membersOf(cluster, leader);
  for (const id of cluster.running) if (!members.includes(id)) cluster.crash(id);
}

function membersOf(cluster: Cluster, leader: BrokerId): readonly BrokerId[] {
  const { voters, learners } = cluster.raft(leader).membership;
  return [...voters, ...learners];
}

/** Checks that all members agree and that nothing is left to do. Returns the leader. */
function converged(cluster: Cluster): BrokerId {
  const { leader } = cluster;
  invariant(leader !== undefined, 'L1: a healed group has a leader');
  const head = cluster.raft(leader);
  for (const id of membersOf(cluster, leader)) {
    const raft = cluster.raft(id);
    const facts = { id, role: raft.role, term: raft.term, follows: raft.leader, leader, leads: head.term };
    // A learner that lost its link for a moment hears of its leader again with the next entry: it needs none.
    const learns = !raft.voters.includes(id) && raft.leader === undefined;
    const knows = raft.leader === leader || learns;
    invariant(raft.term === head.term && knows, 'L1: all know the one leader', facts);
    invariant(raft.lastIndex === head.lastIndex, 'L2: all logs are equal', facts);
    invariant(raft.commitIndex === head.lastIndex, 'L2: all of the log is committed everywhere', facts);
    invariant(raft.durableIndex === head.lastIndex, 'L2: all of the log is durable everywhere', facts);
    invariant(raft.deadlineMs === Infinity, 'L4: a group without work has no timer', facts);
  }
  invariant(cluster.history.waitingReads === 0, 'L3: no read is left waiting', { leader });
  invariant(cluster.network.messages.length === 0, 'L4: a group without work sends nothing');
  return leader;
}
