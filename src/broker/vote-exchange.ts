/**
 * Brings the votes of many groups back into the one call that asked for them. A vote is answered only
 * when it is durable, and the groups get there one by one.
 */

import type { VoteReply, VoteRequest } from '../raft/messages.js';
import type { BrokerId } from '../raft/types.js';
import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';
import type { InGroup } from './peer-port.js';

type Answer = (reply: InGroup<VoteReply>) => void;

export class VoteExchange {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Answer>>();
  readonly #open = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with the answers once all are in, or with those that are after `voteWaitMs`. */
  collect(requests: readonly InGroup<VoteRequest>[]): Promise<readonly InGroup<VoteReply>[]> {
    return new Promise((resolve) => {
      const replies: InGroup<VoteReply>[] = [];
      const forget: (() => void)[] = [];
      const finish = (): void => {
        cancel();
        this.#open.delete(finish);
        for (const each of forget) each();
        resolve(replies);
      };
      const cancel = this.#clock.schedule(LIMITS.voteWaitMs, finish);
      this.#open.add(finish);
      for (const request of requests) {
        forget.push(
          this.#wait(requestKey(request), (reply) => {
            replies.push(reply);
            if (replies.length === requests.length) finish();
          }),
        );
      }
      if (requests.length === 0) finish();
    });
  }

  /** Passes an answer on to the call that waits for it, if one still does. */
  answer(reply: InGroup<VoteReply>): void {
    const key = replyKey(reply);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const answer of waiting ?? []) answer(reply);
  }

  /** Answers every call with what there is: no more votes come from here. */
  close(): void {
    for (const finish of [...this.#open]) finish();
  }

  #wait(key: string, answer: Answer): () => void {
    const waiting = this.#waiting.get(key) ?? new Set();
    waiting.add(answer);
    this.#waiting.set(key, waiting);
    return () => {
      waiting.delete(answer);
      if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    };
  }
}

function requestKey({ group, message }: InGroup<VoteRequest>): string {
  return keyOf(group, message.from, message.term, message.preVote);
}

function replyKey({ group, message }: InGroup<VoteReply>): string {
  return keyOf(group, message.to, message.requestedTerm, message.preVote);
}

function keyOf(group: number, candidate: BrokerId, term: number, preVote: boolean): string {
  return `${String(group)}/${candidate}/${String(term)}/${preVote ? 'pre' : 'vote'}`;
}
