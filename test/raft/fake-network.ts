/**
 * What is on the way between replicas. Messages may be taken in any order; a closed direction loses what
 * is sent into it. Notices that a leader stepped down are reliable: they wait until their way is open, as
 * bytes in a TCP connection do.
 */

import type { Message } from '../../src/raft/messages.js';
import type { BrokerId, Term } from '../../src/raft/types.js';

/** Tells `to` that `from`, which led `term`, leads no more. */
export interface ResignNotice {
  readonly from: BrokerId;
  readonly to: BrokerId;
  readonly term: Term;
}

export class FakeNetwork {
  readonly messages: Message[] = [];
  readonly notices: ResignNotice[] = [];
  /** Messages sent so far, the lost ones included. */
  sentCount = 0;
  readonly #closed = new Set<string>();

  isOpen(from: BrokerId, to: BrokerId): boolean {
    return !this.#closed.has(`${from}>${to}`);
  }

  close(from: BrokerId, to: BrokerId): void {
    this.#closed.add(`${from}>${to}`);
  }

  open(from: BrokerId, to: BrokerId): void {
    this.#closed.delete(`${from}>${to}`);
  }

  send(message: Message): void {
    this.sentCount += 1;
    if (this.isOpen(message.from, message.to)) this.messages.push(message);
  }

  announce(notice: ResignNotice): void {
    this.notices.push(notice);
  }

  /** Takes the oldest message that `wanted` accepts and whose direction is open off the network. */
  take(wanted: (message: Message) => boolean = () => true): Message | undefined {
    const at = this.messages.findIndex((one) => this.isOpen(one.from, one.to) && wanted(one));
    return at === -1 ? undefined : this.messages.splice(at, 1)[0];
  }

  takeNotice(): ResignNotice | undefined {
    const at = this.notices.findIndex((one) => this.isOpen(one.from, one.to));
    return at === -1 ? undefined : this.notices.splice(at, 1)[0];
  }

  /** Loses every message that `lost` accepts. Returns how many there were. */
  drop(lost: (message: Message) => boolean): number {
    const kept = this.messages.filter((message) => !lost(message));
    const count = this.messages.length - kept.length;
    this.messages.splice(0, this.messages.length, ...kept);
    return count;
  }
}
