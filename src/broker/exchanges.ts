/** The exchanges with peers that are answered, on behalf of the outbox. */

import type { Message, TimeoutNow, VoteRequest } from '../raft/messages.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { InGroup, PeerTransport } from './peer-port.js';

export interface ExchangesContext {
  readonly transport: PeerTransport;
  /** Takes an answer in. */
  step(group: GroupId, message: Message): void;
  log(message: string, facts: Readonly<Record<string, unknown>>): void;
}

export class Exchanges {
  readonly #context: ExchangesContext;

  constructor(context: ExchangesContext) {
    this.#context = context;
  }

  requestVotes(to: BrokerId, requests: readonly InGroup<VoteRequest>[]): void {
    const { transport } = this.#context;
    this.#background(
      transport.requestVotes(to, requests).then((replies) => {
        for (const { group, message } of replies) this.#context.step(group, message);
      }),
    );
  }

  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): void {
    this.#background(this.#context.transport.orderCampaigns(to, orders));
  }

  /** What a failing exchange with a peer would have told, the streams' end and the timers tell too. */
  #background(exchange: Promise<unknown>): void {
    exchange.catch((error: unknown) => {
      this.#context.log('an exchange with a peer failed', { error: String(error) });
    });
  }
}
