/**
 * Who the other brokers are at present: whom this broker keeps links to, and whom it admits.
 *
 * Brokers come and go by the cluster metadata. Before that is known there are the brokers of the first
 * start, or, for one that joins an existing cluster, those that it was told to dial. A broker may be
 * behind: it then takes the word of a peer whose metadata is newer, until its own has got that far.
 */

import type { ClusterState } from '../cluster/cluster-state.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import type { BrokerOptions } from './broker-options.js';
import type { Clock } from './clock.js';
import type { ClusterHost } from './cluster-host.js';
import type { Liveness } from './liveness.js';
import type { PeerIdentity, PeerTransport, Refusal } from './peer-port.js';

/** Peers that are newer than the own metadata, at a time. */
const GUESTS_MAX = 64;

export interface PeersView {
  readonly self: BrokerId;
  /** The voters that group 0 was made with; empty for a broker that joins. */
  readonly bootstrap: readonly BrokerId[];
  /** Those of them that have not been removed since, registered or not. */
  readonly founders: () => readonly BrokerId[];
  /** Peer addresses that this broker was told at its start. */
  readonly addressBook: ReadonlyMap<BrokerId, string>;
  readonly state: () => ClusterState;
  /** Index up to which `state` has taken in the log of group 0. */
  readonly metadataIndex: () => number;
  /** The error for a question that only an up-to-date broker can answer; undefined when this one is. */
  readonly unsure: () => BellwetherError | undefined;
  /** Runs it in a turn of its own. */
  readonly defer: (run: () => void) => void;
  /** Begins to dial a peer, or takes over where it is to be dialled. */
  connect(peer: BrokerId, addresses: readonly string[]): void;
  /** Ends all streams with a peer, in both directions. */
  disconnect(peer: BrokerId): void;
}

interface Peer {
  /** Incarnation that the metadata named last; empty for none. */
  readonly registered: string;
  readonly addresses: readonly string[];
}

interface Problem {
  readonly refusal: Refusal;
  readonly text: string;
}

/** A peer that has learned more of the metadata than this broker. */
interface Guest {
  readonly address: string;
  readonly metadataIndex: number;
}

export class Peers {
  readonly #view: PeersView;
  readonly #peers = new Map<BrokerId, Peer>();
  readonly #guests = new Map<BrokerId, Guest>();
  /** Incarnation of each broker that was admitted last, and may have streams open. */
  readonly #met = new Map<BrokerId, string>();
  /** Brokers that the metadata has named at some time. */
  readonly #seen = new Set<BrokerId>();
  #started = false;
  #planned = false;

  constructor(view: PeersView) {
    this.#view = view;
  }

  /** All other brokers, as far as they are known. */
  get ids(): readonly BrokerId[] {
    return [...this.#peers.keys()];
  }

  /** Begins to keep links. */
  start(): void {
    this.#started = true;
    this.#compare();
  }

  /** The metadata may name other brokers now. Looks in a turn of its own, once for many changes. */
  changed(): void {
    if (!this.#started || this.#planned) return;
    this.#planned = true;
    this.#view.defer(() => {
      this.#planned = false;
      this.#compare();
    });
  }

  /** @throws BellwetherError CLUSTER_MISMATCH; or NO_LEADER while this broker cannot tell. */
  admit(peer: PeerIdentity): void {
    const problem = this.#problemWith(peer);
    if (problem !== undefined) {
      const { broker, clusterId, incarnation } = peer;
      throw new BellwetherError('CLUSTER_MISMATCH', problem.text, {
        metadata: { broker, cluster_id: clusterId, incarnation, refusal: problem.refusal },
      });
    }
    this.#met.set(peer.broker, peer.incarnation);
    if (this.#isNewer(peer) && this.#guests.size < GUESTS_MAX) {
      this.#guests.set(peer.broker, { address: peer.peerAddress, metadataIndex: peer.metadataIndex });
      this.changed();
    }
  }

  #problemWith(peer: PeerIdentity): Problem | undefined {
    const { self, state } = this.#view;
    const { broker, clusterId, incarnation } = peer;
    const stranger = {
      refusal: 'UNKNOWN',
      text: `broker ${broker} is not one of the peers of ${self}`,
    } as const;
    if (broker === self) return stranger;
    const own = state().clusterId;
    if (clusterId !== '' && own !== '' && clusterId !== own) {
      const text = `broker ${broker} is of cluster ${clusterId}, ${self} of ${own}`;
      return { refusal: 'OTHER_CLUSTER', text };
    }
    if (this.#isNewer(peer)) return undefined;
    const registered = state().brokers.get(broker);
    if (registered === undefined) {
      if (this.#wasRemoved(broker)) {
        return { refusal: 'REMOVED', text: `broker ${broker} was removed from the cluster` };
      }
      if (this.#assumed().includes(broker)) return undefined;
      const unsure = this.#view.unsure();
      if (unsure !== undefined) throw unsure;
      return stranger;
    }
    const other = registered.incarnation !== '' && registered.incarnation !== incarnation;
    return other
      ? { refusal: 'OTHER_DISK', text: `broker ${broker} came back with another disk` }
      : undefined;
  }

  /** It has learned of changes that this broker has not, perhaps that of who the brokers are. */
  #isNewer(peer: PeerIdentity): boolean {
    return peer.metadataIndex > this.#view.metadataIndex();
  }

  #wasRemoved(broker: BrokerId): boolean {
    const { bootstrap, founders, state } = this.#view;
    if (state().brokers.has(broker)) return false;
    return this.#seen.has(broker) || (bootstrap.includes(broker) && !founders().includes(broker));
  }

  /** Brokers that need not be registered. One that joins knows all that came before it once it finds itself. */
  #assumed(): readonly BrokerId[] {
    const { bootstrap, founders, addressBook, self, state } = this.#view;
    if (bootstrap.length > 0) return founders();
    return state().brokers.has(self) ? [] : [...addressBook.keys()];
  }

  #compare(): void {
    const { self, state, metadataIndex } = this.#view;
    const registered = state().brokers;
    for (const id of registered.keys()) this.#seen.add(id);
    const known = metadataIndex();
    const caughtUpWith = new Set<BrokerId>();
    for (const [id, guest] of this.#guests) if (guest.metadataIndex <= known) caughtUpWith.add(id);
    for (const id of caughtUpWith) this.#guests.delete(id);
    const assumed = this.#assumed().filter((id) => !this.#wasRemoved(id));
    const wanted = new Set([...registered.keys(), ...assumed, ...this.#guests.keys()]);
    wanted.delete(self);
    // Also whoever was admitted, and has streams open towards this broker, without ever being dialled.
    for (const id of new Set([...this.#peers.keys(), ...this.#met.keys()])) {
      if (!wanted.has(id)) this.#drop(id);
    }
    for (const id of wanted) this.#keep(id, caughtUpWith.has(id));
  }

  #keep(id: BrokerId, caughtUp: boolean): void {
    const registered = this.#view.state().brokers.get(id)?.incarnation ?? '';
    const before = this.#peers.get(id)?.registered;
    // Of a peer that knows more than this broker the metadata says nothing yet.
    if ((registered !== before || caughtUp) && !this.#guests.has(id)) {
      if (isAnother(this.#met.get(id), before ?? '', registered)) this.#drop(id);
    }
    const addresses = this.#addresses(id);
    const kept = this.#peers.get(id);
    this.#peers.set(id, { registered, addresses });
    if (kept === undefined || !same(kept.addresses, addresses)) this.#view.connect(id, addresses);
  }

  #drop(id: BrokerId): void {
    this.#peers.delete(id);
    this.#met.delete(id);
    this.#view.disconnect(id);
  }

  /** Where a peer may be: as it says in the metadata, as this broker was told, as the peer said itself. */
  #addresses(id: BrokerId): readonly string[] {
    const { state, addressBook } = this.#view;
    const candidates = [
      state().brokers.get(id)?.peerAddress,
      addressBook.get(id),
      this.#guests.get(id)?.address,
    ].filter((address): address is string => address !== undefined && address !== '');
    return [...new Set(candidates)];
  }
}

/** True when the streams may be those of another disk than the registered one (I21). */
function isAnother(met: string | undefined, before: string, registered: string): boolean {
  if (registered === '') return before !== '';
  return met === undefined ? before !== '' && before !== registered : met !== registered;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

export interface PeersParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly transport: PeerTransport;
  readonly liveness: Liveness;
  readonly cluster: ClusterHost;
  readonly isServing: () => boolean;
  readonly unsure: PeersView['unsure'];
}

/** The peers of a broker, with their links. */
export function peersOf({ options, clock, transport, liveness, cluster, ...broker }: PeersParts): Peers {
  return new Peers({
    self: options.id,
    bootstrap: options.bootstrap,
    founders: () => options.bootstrap.filter((id) => cluster.members?.includes(id) ?? true),
    addressBook: options.peerAddresses,
    state: () => cluster.state,
    metadataIndex: () => cluster.appliedIndex,
    unsure: broker.unsure,
    defer: (run) => {
      clock.defer(() => {
        if (broker.isServing()) run();
      });
    },
    connect: (peer, addresses) => {
      liveness.add(peer);
      if (addresses.length > 0) transport.connect(peer, addresses);
    },
    disconnect: (peer) => {
      transport.disconnect(peer);
      liveness.remove(peer);
    },
  });
}
