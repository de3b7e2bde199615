/** What the parts of the simulated network know of each other, so that none of them needs the whole. */

import type { InGroup, PeerEvents } from '../broker/peer-port.js';
import type { Message } from '../raft/messages.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Random } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

/** A process as the network sees it. */
export interface Machine extends Owner {
  readonly id: BrokerId;
}

export type StreamKind = 'data' | 'heartbeat';

/** One connection, opened by one end to the other. */
export interface Connection {
  readonly kind: StreamKind;
  readonly dialler: Endpoint;
  readonly listener: Endpoint;
  /** Sends from one end to the other; `receive` runs at the far end, if the connection still is. */
  send(by: Endpoint, receive: (events: PeerEvents) => void): void;
  /** One end is gone; @param tells False when it went dark without a word. */
  end(by: Endpoint, tells: boolean): void;
}

/** A broker's end of the network. */
export interface Endpoint {
  readonly process: Machine;
  /** Undefined before the broker runs, and after. */
  readonly events: PeerEvents | undefined;
  holds(stream: Connection): boolean;
  streamEnded(stream: Connection): void;
  accept(stream: Connection): void;
  /** This end uses the stream from now on. */
  taken(stream: Connection): void;
  /** The peer was disconnected since the stream was taken: nothing on it arrives, however late. */
  isCutOff(stream: Connection): boolean;
  /** The peer was heard: a dial to it that waits need not. */
  heard(peer: BrokerId): void;
  /** Reports messages that leave for `to`. */
  note(to: BrokerId, messages: readonly InGroup<Message>[]): void;
}

/** Told of every message of a group that leaves a broker. */
export type MessageWatcher = (from: Machine, to: BrokerId, group: GroupId, message: Message) => void;

/** The network, as its ends use it. */
export interface Wires {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly watch: MessageWatcher;
  readonly delayMs: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly deliversStale: boolean;
  readonly dark: ReadonlySet<BrokerId>;
  at(id: BrokerId): Endpoint | undefined;
  carries(from: BrokerId, to: BrokerId): boolean;
  refuses(from: BrokerId, to: BrokerId): boolean;
  whenMended(from: BrokerId, to: BrokerId, run: () => void): void;
  whenLit(id: BrokerId, run: () => void): void;
  transitMs(from: BrokerId, to: BrokerId): number;
  deliver(from: BrokerId, to: BrokerId, receive: (far: Endpoint, events: PeerEvents) => void): void;
}
