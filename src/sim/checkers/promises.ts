/**
 * What brokers promise to each other and must keep: I2, nothing is claimed that the disk has not synced;
 * I13, one vote per term and no term forgotten; I21, a wiped disk does not vote; I23, a restart recovers
 * what was synced, and nothing else is on the disk then.
 */

import type { Message } from '../../raft/messages.js';
import { asGroupId, asLogIndex, type GroupId } from '../../raft/types.js';
import type { RecoveredGroup } from '../../storage/journal-replay.js';
import type { DurableImage, JournalPlace, SyncedGroup } from '../durable-image.js';
import type { SimProcess } from '../process.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

interface Promised {
  /** Highest term named in a message that needs the term on disk. */
  term: number;
  /** Every vote under this name, and those that the present replica, on the present disk, must remember. */
  readonly votes: Map<number, string>;
  readonly remembered: Map<number, string>;
}

interface Durable {
  readonly index: number;
  readonly term: number | undefined;
}

export class Promises {
  /** By broker and group; a broker keeps its promises under its name, whatever disk it has. */
  readonly #promised = new Map<string, Promised>();
  /** What the replicas of a broker said was on disk when it died, by broker. */
  readonly #durable = new Map<string, Map<GroupId, Durable>>();
  /** Brokers whose disk was wiped: they have forgotten what they promised. */
  readonly #wiped = new Set<string>();

  sent(process: SimProcess, group: GroupId, message: Message, isRegistered: boolean): void {
    // A pre-vote promises nothing: its term is one that nobody is in yet.
    if (message.kind === 'voteRequest' && message.preVote) return;
    const { id } = process;
    const { image } = process.options.disk;
    const synced = image.groups.get(group);
    checkClaim(id, group, message, image, synced);
    const promised = this.#of(id, group);
    if (message.kind === 'voteRequest') this.#vote(promised, id, group, message.term, id);
    else if (message.kind === 'voteReply' && message.granted && !message.preVote) {
      const { term, requestedTerm, to } = message;
      holds(isRegistered || !this.#wiped.has(id), 'I21', 'a wiped disk does not vote', {
        group,
        broker: id,
        term,
      });
      this.#vote(promised, id, group, requestedTerm, to);
    }
    if (message.term > promised.term) promised.term = message.term;
  }

  #vote(
    { votes, remembered }: Promised,
    broker: string,
    group: GroupId,
    term: number,
    candidate: string,
  ): void {
    const before = votes.get(term);
    holds(before === undefined || before === candidate, 'I13', 'one vote per term, over restarts too', {
      group,
      broker,
      term,
      before,
      candidate,
    });
    votes.set(term, candidate);
    remembered.set(term, candidate);
  }

  #of(broker: string, group: GroupId): Promised {
    const key = `${broker}/${String(group)}`;
    const promised = this.#promised.get(key) ?? {
      term: 0,
      votes: new Map<number, string>(),
      remembered: new Map<number, string>(),
    };
    this.#promised.set(key, promised);
    return promised;
  }

  /** The process ends; its replicas are as they are. */
  died({ id }: SimProcess, views: readonly ReplicaView[]): void {
    this.#durable.set(
      id,
      new Map(
        views.map(({ group, host: { raft } }) => [
          group,
          { index: raft.durableIndex, term: raft.termAt(raft.durableIndex) },
        ]),
      ),
    );
  }

  /** The disk is gone, and with it what was on it. */
  wiped(broker: string): void {
    this.#durable.delete(broker);
    this.#wiped.add(broker);
    for (const [key, promised] of this.#promised) {
      if (!key.startsWith(`${broker}/`)) continue;
      forget(promised);
      // What it asked for itself elects nobody any more; had it been elected, a second leader would show (I3).
      for (const [term, candidate] of promised.votes) if (candidate === broker) promised.votes.delete(term);
    }
  }

  /** The replica is gone by the word of the metadata. */
  dropped(broker: string, group: GroupId): void {
    forget(this.#of(broker, group));
  }

  recovered(process: SimProcess, groups: ReadonlyMap<GroupId, RecoveredGroup>): void {
    const { id } = process;
    const { disk } = process.options;
    const before = disk.image.end;
    disk.reread();
    checkImage(id, before, disk.image, groups);
    for (const [group, { index, term }] of this.#durable.get(id) ?? []) {
      const found = groups.get(group);
      const facts = { group, broker: id, index, term, last: found?.log.lastIndex };
      if (index === 0) continue;
      holds(found !== undefined, 'I23', 'a durable group is recovered', facts);
      holds(found.log.lastIndex >= index, 'I23', 'a restart recovers all that was durable', facts);
      // A snapshot that was written last may stand for it.
      if (index < found.log.firstIndex - 1) continue;
      // A snapshot was about to take the place of the log, which the replica knew no more.
      if (term === undefined) continue;
      const at = Number(found.log.termAt(asLogIndex(index)));
      holds(at === term, 'I23', 'a restart recovers what was durable', { ...facts, at });
    }
    for (const [group, { hardState }] of groups) {
      const promised = this.#of(id, group);
      const facts = { group, broker: id, promised: promised.term, recovered: hardState.term };
      holds(hardState.term >= promised.term, 'I13', 'no term is forgotten over a restart', facts);
      const vote = promised.remembered.get(hardState.term);
      holds(vote === undefined || vote === hardState.votedFor, 'I13', 'no vote is forgotten over a restart', {
        ...facts,
        vote,
        votedFor: hardState.votedFor,
      });
    }
  }
}

/** The replica is no more. Its votes stay known: one made anew, or on another disk, must not vote again. */
function forget(promised: Promised): void {
  promised.term = 0;
  promised.remembered.clear();
}

/** I2: what a message says of its sender's term, vote and log was synced before it left. */
function checkClaim(
  broker: string,
  group: GroupId,
  message: Message,
  image: DurableImage,
  synced: SyncedGroup | undefined,
): void {
  const { kind, term } = message;
  // What was on the way when its topic was deleted concerns nobody.
  if (image.dropped.has(group)) return;
  const onDisk = synced?.term ?? 0;
  const facts = { group, broker, kind, term, onDisk };
  holds(onDisk >= term, 'I2', 'a term is on disk before it is named', facts);
  if (kind === 'voteRequest') {
    const vote = synced?.votes.get(term);
    // It may leave when a later term is on disk too, in whose write this vote went under: that term keeps the
    // candidate from voting in this one just as well, and I13 sees to it that it never did for another.
    const isKept = vote === broker || (vote === undefined && onDisk > term);
    holds(isKept, 'I2', 'a candidate has its own vote on disk', { ...facts, vote });
  } else if (kind === 'voteReply' && message.granted && !message.preVote) {
    const vote = synced?.votes.get(message.requestedTerm);
    // A later term on disk keeps it from voting in this one again just as well.
    const isKept = vote === message.to || onDisk > message.requestedTerm;
    holds(isKept, 'I2', 'a vote is on disk before it is given', { ...facts, vote });
  } else if (kind === 'snapshotReply' && message.installed) {
    const has = image.everHad(group, message.snapshotIndex, term);
    holds(has, 'I2', 'a snapshot is on disk before it is acknowledged', { ...facts, message });
  } else if (kind === 'appendReply' && message.accepted) {
    const { matchIndex: match } = message;
    // It may have been replaced since, by a leader of a later term: it had to be there first.
    holds(image.everHad(group, match, term), 'I2', 'what is acknowledged is on disk', { ...facts, match });
  }
}

/** I23: recovery loses nothing that was synced, and makes durable all that it takes over. */
function checkImage(
  broker: string,
  before: JournalPlace,
  { groups: synced, end }: DurableImage,
  groups: ReadonlyMap<GroupId, RecoveredGroup>,
): void {
  const isWhole = end.sequence > before.sequence || (end.sequence === before.sequence && end.at >= before.at);
  holds(isWhole, 'I23', 'no synced frame is gone after a restart', { broker, before, end });
  for (const [number, { term, votedFor, terms, base }] of synced) {
    const found = groups.get(asGroupId(number));
    const here = found?.hardState;
    const facts = { broker, group: number, term, votedFor, last: terms.length - 1, here };
    holds(here?.term === term && here.votedFor === votedFor, 'I23', 'recovery takes what is synced', facts);
    const last = Number(found?.log.lastIndex);
    holds(last === terms.length - 1, 'I23', 'recovery takes the synced entries', { ...facts, found: last });
    const first = Number(found?.log.firstIndex);
    holds(first === base + 1, 'I23', 'recovery takes the synced snapshot', { ...facts, first, base });
    for (let index = found?.log.firstIndex ?? 1; index <= last; index++) {
      const at = Number(found?.log.termAt(asLogIndex(index)));
      holds(at === terms[index], 'I23', 'recovery takes the synced entries', { ...facts, index, at });
    }
  }
  holds(groups.size === synced.size, 'I23', 'recovery makes up no group', { broker });
}
