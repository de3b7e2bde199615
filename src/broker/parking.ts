/**
 * Keeps messages of groups that this broker is about to create: a leader may be elected, and speak,
 * before the metadata that created the group has arrived here. Bounded; what is dropped is sent again.
 */

import type { Replication, VoteRequest } from '../raft/messages.js';
import type { GroupId } from '../raft/types.js';

type Parked = Replication | VoteRequest;

/** Messages kept for all groups together. */
const PARKED_MESSAGES_MAX = 20_000;
/** Payload bytes kept for all groups together. */
const PARKED_BYTES_MAX = 33_554_432;

export class Parking {
  readonly #parked = new Map<GroupId, Parked[]>();
  #count = 0;
  #bytes = 0;

  park(group: GroupId, message: Parked): void {
    const bytes = payloadBytes(message);
    if (this.#count >= PARKED_MESSAGES_MAX || this.#bytes + bytes > PARKED_BYTES_MAX) return;
    const messages = this.#parked.get(group) ?? [];
    messages.push(message);
    this.#parked.set(group, messages);
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Forgets what is there for groups below `next`: they have been created by now, and not here. */
  forgetBelow(next: number): void {
    for (const group of this.#parked.keys()) if (group < next) this.take(group);
  }

  /** Takes what arrived for `group`, in order. */
  take(group: GroupId): readonly Parked[] {
    const messages = this.#parked.get(group) ?? [];
    this.#parked.delete(group);
    this.#count -= messages.length;
    for (const message of messages) this.#bytes -= payloadBytes(message);
    return messages;
  }
}

function payloadBytes(message: Parked): number {
  if (message.kind === 'voteRequest') return 0;
  if (message.kind === 'installSnapshot') return message.chunk.length;
  return message.entries.reduce((sum, entry) => sum + entry.payload.length, 0);
}
