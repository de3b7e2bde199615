import { describe, expect, it } from 'vitest';
import type { PeerIdentity } from '../../src/broker/peer-port.js';
import { Peers } from '../../src/broker/peers.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import type { BrokerRegistration } from '../../src/cluster/cluster-types.js';
import { BellwetherError } from '../../src/errors.js';
import type { BrokerId } from '../../src/raft/types.js';

const FLAGS = new Map([
  ['n1', 'f1:1'],
  ['n2', 'f2:1'],
  ['n3', 'f3:1'],
]);

/** Broker n1 of a cluster that began with n1, n2 and n3, unless told otherwise. */
class Rig {
  readonly brokers = new Map<BrokerId, BrokerRegistration>();
  readonly links = new Map<BrokerId, readonly string[]>();
  readonly dropped: BrokerId[] = [];
  readonly peers: Peers;
  founders: readonly BrokerId[];
  metadataIndex = 10;
  unsure: BellwetherError | undefined;
  #deferred: (() => void)[] = [];

  constructor(bootstrap: readonly BrokerId[] = ['n1', 'n2', 'n3'], addressBook = FLAGS) {
    const state = Object.defineProperty(new ClusterState(), 'brokers', { value: this.brokers });
    this.founders = bootstrap;
    this.peers = new Peers({
      self: 'n1',
      bootstrap,
      founders: () => this.founders,
      addressBook,
      state: () => state,
      metadataIndex: () => this.metadataIndex,
      unsure: () => this.unsure,
      defer: (run) => this.#deferred.push(run),
      connect: (peer, addresses) => this.links.set(peer, addresses),
      disconnect: (peer) => {
        this.links.delete(peer);
        this.dropped.push(peer);
      },
    });
    this.peers.start();
  }

  /** The metadata names these brokers from now on, as "name/incarnation". */
  register(...entries: readonly string[]): this {
    this.brokers.clear();
    for (const entry of entries) {
      const [id = '', incarnation = ''] = entry.split('/');
      const addresses = { address: `${id}:1`, peerAddress: `m${id}:1` };
      this.brokers.set(id, { id, incarnation, ...addresses, rack: '', status: 'ACTIVE' });
    }
    return this.look();
  }

  look(): this {
    this.peers.changed();
    for (const run of this.#deferred.splice(0)) run();
    return this;
  }

  /** What becomes of a peer that introduces itself. */
  admission(broker: BrokerId, incarnation: string, metadataIndex = 0): string {
    const identity: PeerIdentity = {
      clusterId: '',
      broker,
      incarnation,
      peerAddress: `own-${broker}:1`,
      metadataIndex,
    };
    try {
      this.peers.admit(identity);
      return 'admitted';
    } catch (error) {
      if (error instanceof BellwetherError) return error.message;
      throw error;
    }
  }
}

describe('the peers of a broker', () => {
  it('are those of the first start while nobody is registered', () => {
    const rig = new Rig();
    expect([...rig.links]).toEqual([
      ['n2', ['f2:1']],
      ['n3', ['f3:1']],
    ]);
  });

  it('are dialled where the metadata says first, and where the flags say then', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c', 'n4/d');
    expect([...rig.links]).toEqual([
      ['n2', ['mn2:1', 'f2:1']],
      ['n3', ['mn3:1', 'f3:1']],
      ['n4', ['mn4:1']],
    ]);
    expect(rig.dropped).toEqual([]);
  });

  it('lose their links when they leave the metadata, and are refused then by name', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c', 'n4/d').register('n1/a', 'n2/b', 'n3/c');
    expect([rig.dropped, rig.peers.ids]).toEqual([['n4'], ['n2', 'n3']]);
    expect(rig.admission('n4', 'd')).toBe('broker n4 was removed from the cluster');
  });

  it('of the first start that are not registered yet stay, until they are removed', () => {
    const rig = new Rig().register('n1/a');
    expect([rig.peers.ids, rig.admission('n3', 'c')]).toEqual([['n2', 'n3'], 'admitted']);
    rig.register('n1/a', 'n2/b', 'n3/c').register('n1/a', 'n2/b');
    expect([rig.peers.ids, rig.dropped]).toEqual([['n2'], ['n3']]);
  });

  it('of the first start that were removed are known as such after a restart too', () => {
    const rig = new Rig();
    rig.founders = ['n1', 'n2'];
    rig.register('n1/a', 'n2/b');
    expect(rig.peers.ids).toEqual(['n2']);
    expect(rig.admission('n3', 'c')).toBe('broker n3 was removed from the cluster');
  });

  it('are reached anew when their disk is replaced, and refused with the old one (I21)', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c');
    rig.register('n1/a', 'n2', 'n3/c');
    expect([rig.dropped, rig.peers.ids.includes('n2')]).toEqual([['n2'], true]);
    expect(rig.admission('n2', 'new')).toBe('admitted');
    rig.register('n1/a', 'n2/new', 'n3/c');
    expect(rig.dropped).toEqual(['n2']);
    expect(rig.admission('n2', 'b')).toBe('broker n2 came back with another disk');
  });

  it('that were met with another disk than the one that registered are reached anew (I21)', () => {
    const rig = new Rig();
    expect(rig.admission('n2', 'other')).toBe('admitted');
    rig.register('n1/a', 'n2/b', 'n3/c');
    expect([rig.dropped, rig.peers.ids.includes('n2')]).toEqual([['n2'], true]);
    rig.look().look();
    expect(rig.dropped).toEqual(['n2']);
  });

  it('keep their links when they register, or move to another address', () => {
    const rig = new Rig();
    rig.admission('n2', 'b');
    rig.register('n1/a', 'n2/b', 'n3/c');
    rig.brokers.set('n2', { ...rig.brokers.get('n2')!, peerAddress: 'moved:1' });
    rig.look();
    expect(rig.links.get('n2')).toEqual(['moved:1', 'f2:1']);
    expect(rig.dropped).toEqual([]);
  });

  it('are refused when nobody knows them, but only by a broker that would know', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c');
    rig.unsure = new BellwetherError('NO_LEADER', 'nobody leads');
    expect(rig.admission('n9', 'x')).toBe('nobody leads');
    rig.unsure = undefined;
    expect(rig.admission('n9', 'x')).toBe('broker n9 is not one of the peers of n1');
    expect(rig.admission('n1', 'a')).toBe('broker n1 is not one of the peers of n1');
  });
});

describe('a broker that is behind', () => {
  it('admits and dials a peer that knows more, until it knows as much and the peer is not there', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c');
    expect(rig.admission('n9', 'x', 20)).toBe('admitted');
    rig.look();
    expect(rig.links.get('n9')).toEqual(['own-n9:1']);
    rig.metadataIndex = 19;
    rig.look();
    expect(rig.peers.ids).toContain('n9');
    rig.metadataIndex = 20;
    rig.look();
    expect([rig.dropped, rig.admission('n9', 'x', 20)]).toEqual([
      ['n9'],
      'broker n9 is not one of the peers of n1',
    ]);
  });

  it('keeps the link of such a peer once the metadata names it', () => {
    const rig = new Rig().register('n1/a', 'n2/b', 'n3/c');
    rig.admission('n2', 'new', 20);
    rig.admission('n9', 'x', 20);
    rig.look();
    rig.metadataIndex = 20;
    rig.register('n1/a', 'n2/new', 'n3/c', 'n9/x');
    expect(rig.dropped).toEqual([]);
    expect(rig.links.get('n9')).toEqual(['mn9:1']);
  });

  it('lets a peer go whose disk turns out to be the replaced one (I21)', () => {
    const rig = new Rig().register('n1/a', 'n2/new', 'n3/c');
    expect(rig.admission('n2', 'old', 20)).toBe('admitted');
    rig.look();
    expect(rig.dropped).toEqual([]);
    rig.metadataIndex = 20;
    rig.look();
    expect(rig.dropped).toEqual(['n2']);
    expect(rig.admission('n2', 'old', 20)).toBe('broker n2 came back with another disk');
  });

  it('lets a peer go that it admitted before it had read its own log (I21)', () => {
    const rig = new Rig();
    rig.metadataIndex = 0;
    expect(rig.admission('n4', 'old', 5)).toBe('admitted');
    rig.metadataIndex = 10;
    rig.register('n1/a', 'n2/b', 'n3/c', 'n4/new');
    rig.look();
    expect(rig.admission('n4', 'old', 5)).toBe('broker n4 came back with another disk');
    expect(rig.dropped).toEqual(['n4']);
  });

  it('takes in a bounded number of such peers', () => {
    const rig = new Rig();
    for (let i = 0; i < 1_000; i++) rig.admission(`x${String(i)}`, '', 20);
    rig.look();
    expect(rig.peers.ids.length).toBeLessThan(100);
  });
});

describe('a broker that joins', () => {
  it('dials whom it was told, and takes the word of whoever knows the cluster', () => {
    const rig = new Rig([], new Map([['n2', 'f2:1']]));
    rig.metadataIndex = 0;
    expect(rig.peers.ids).toEqual(['n2']);
    expect(rig.admission('n3', 'c', 7)).toBe('admitted');
    rig.look();
    expect(rig.links.get('n3')).toEqual(['own-n3:1']);
  });

  it('keeps whom it was told until it finds itself in the metadata', () => {
    const rig = new Rig([], FLAGS).register('n2/b');
    expect(rig.peers.ids).toEqual(['n2', 'n3']);
    rig.register('n2/b', 'n1');
    expect([rig.peers.ids, rig.dropped]).toEqual([['n2'], ['n3']]);
  });
});
