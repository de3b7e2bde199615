/**
 * What brokers promised to each other and must keep over a restart: I2, nothing is claimed durable that
 * is not; I13, one vote per term and no term forgotten; I21, a wiped
 * disk does not vote; I23, a restart recovers all that was durable.
 */

import type { Message } from '../../raft/messages.js';
import type { GroupId } from '../../raft/types.js';
import type { RecoveredGroup } from '../../storage/journal-replay.js';
import type { SimProcess } from '../process.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

interface Promised {
  /** Highest term named in a message that needs the term on disk. */
  term: number;
  readonly votes: Map<number, string>;
}

interface Durable {
  readonly index: number;
  readonly term: number;
}

export class Promises {
  /** By broker and group; a broker keeps its promises under its name, whatever disk it has. */
  readonly #promised = new Map<string, Promised>();
  /** What the replicas of a broker had on disk when it died, by broker. */
  readonly #durable = new Map<string, Map<GroupId, Durable>>();

  /** Brokers whose disk was wiped: they have forgotten what they promised. */
  readonly #wiped = new Set<string>();

  sent({ id, broker }: SimProcess, group: GroupId, message: Message): void {
    if (message.kind === 'append' || message.kind === 'installSnapshot') return;
    if (message.kind === 'timeoutNow') return;
    if (message.kind === 'voteRequest' && message.preVote) return;
    const promised = this.#of(id, group);
    if (message.kind === 'voteRequest') this.#vote(promised, id, group, message.term, id);
    else if (message.kind === 'voteReply') {
      if (message.granted && !message.preVote) {
        holds(!this.#wiped.has(id), 'I21', 'a wiped disk does not vote', {
          group,
          broker: id,
          term: message.term,
        });
        this.#vote(promised, id, group, message.requestedTerm, message.to);
      }
    } else if (message.kind === 'appendReply' && message.accepted) {
      const raft = broker?.group(group)?.raft;
      // A later leader may have cut the log since; then the term is a later one.
      const cut = raft === undefined || raft.term > message.term;
      holds(cut || message.matchIndex <= raft.durableIndex, 'I2', 'what is acknowledged is on disk', {
        group,
        broker: id,
        match: message.matchIndex,
        durable: raft?.durableIndex,
      });
    }
    if (message.term > promised.term) promised.term = message.term;
  }

  #vote({ votes }: Promised, broker: string, group: GroupId, term: number, candidate: string): void {
    const before = votes.get(term);
    holds(before === undefined || before === candidate, 'I13', 'one vote per term, over restarts too', {
      group,
      broker,
      term,
      before,
      candidate,
    });
    votes.set(term, candidate);
  }

  #of(broker: string, group: GroupId): Promised {
    const key = `${broker}/${String(group)}`;
    const promised = this.#promised.get(key) ?? { term: 0, votes: new Map<number, string>() };
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
          { index: raft.durableIndex, term: raft.termAt(raft.durableIndex) ?? 0 },
        ]),
      ),
    );
  }

  /** The disk is gone, and with it what was on it. */
  wiped(broker: string): void {
    this.#durable.delete(broker);
    this.#wiped.add(broker);
    for (const key of this.#promised.keys()) {
      const promised = this.#promised.get(key);
      // The votes stay: a wiped disk must not vote a second time.
      if (key.startsWith(`${broker}/`) && promised !== undefined) promised.term = 0;
    }
  }

  recovered({ id }: SimProcess, groups: ReadonlyMap<GroupId, RecoveredGroup>): void {
    for (const [group, { index, term }] of this.#durable.get(id) ?? []) {
      const found = groups.get(group);
      const facts = { group, broker: id, index, term, last: found?.log.lastIndex };
      if (index === 0) continue;
      holds(found !== undefined, 'I23', 'a durable group is recovered', facts);
      holds(found.log.lastIndex >= index, 'I23', 'a restart recovers all that was durable', facts);
      const at = Number(found.log.termAt(index as typeof found.log.lastIndex));
      holds(at === term, 'I23', 'a restart recovers what was durable', { ...facts, at });
    }
    for (const [group, { hardState }] of groups) {
      const promised = this.#of(id, group);
      const facts = { group, broker: id, promised: promised.term, recovered: hardState.term };
      holds(hardState.term >= promised.term, 'I13', 'no term is forgotten over a restart', facts);
      const vote = promised.votes.get(hardState.term);
      holds(vote === undefined || vote === hardState.votedFor, 'I13', 'no vote is forgotten over a restart', {
        ...facts,
        vote,
        votedFor: hardState.votedFor,
      });
    }
  }
}
