/** The exchanges with peers that are answered, on behalf of the outbox. */

import { BellwetherError } from '../errors.js';
import type { Message, TimeoutNow, VoteRequest } from '../raft/messages.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import { needsRoom } from './disk-hand-over.js';
import type { GroupHost } from './group-host.js';
import type { InGroup, PeerTransport } from './peer-port.js';

export interface ExchangesContext {
  readonly transport: PeerTransport;
  /** Takes an answer in. */
  step(group: GroupId, message: Message): void;
  groupOf(id: GroupId): GroupHost | undefined;
  wake(group: GroupHost): void;
  /** Takes in that a request for a vote will not be answered. */
  unanswered(group: GroupId, request: VoteRequest): void;
  /** Takes in that a peer declined to lead, as its disk is short. */
  declined(by: BrokerId): void;
  log(message: string, facts: Readonly<Record<string, unknown>>): void;
}

export class Exchanges {
  readonly #context: ExchangesContext;

  constructor(context: ExchangesContext) {
    this.#context = context;
  }

  requestVotes(to: BrokerId, requests: readonly InGroup<VoteRequest>[]): void {
    const open = new Map(requests.map(({ group, message }) => [group, message]));
    const giveUp = (): void => {
      for (const [group, request] of open) this.#context.unanswered(group, request);
    };
    this.#background(
      this.#context.transport.requestVotes(to, requests).then(
        (replies) => {
          for (const { group, message } of replies) {
            open.delete(group);
            this.#context.step(group, message);
          }
          giveUp();
        },
        (error: unknown) => {
          giveUp();
          throw error;
        },
      ),
    );
  }

  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): void {
    const ordered = this.#context.transport.orderCampaigns(to, orders).catch((error: unknown) => {
      const reason = error instanceof BellwetherError ? error.reason : undefined;
      if (reason === 'SHUTTING_DOWN') {
        this.#campaignsRefused(to, orders, true);
      } else if (reason === 'DISK_FULL') {
        // It took the other orders.
        this.#context.declined(to);
        this.#campaignsRefused(to, orders.filter(needsRoom), false);
      } else {
        throw error;
      }
    });
    this.#background(ordered);
  }

  /** The peer is about to stop, or has no room: whoever hands over to it must not wait. */
  #campaignsRefused(by: BrokerId, orders: readonly InGroup<TimeoutNow>[], isLeaving: boolean): void {
    for (const { group, message } of orders) {
      const host = this.#context.groupOf(group);
      if (host === undefined) continue;
      host.raft.transferRefused(by, message.term, isLeaving);
      this.#context.wake(host);
    }
  }

  /** What a failing exchange with a peer would have told, the streams' end and the timers tell too. */
  #background(exchange: Promise<unknown>): void {
    exchange.catch((error: unknown) => {
      this.#context.log('an exchange with a peer failed', { error: String(error) });
    });
  }
}
