import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker } from '../../src/broker/broker.js';
import { PeerHandler } from '../../src/broker/peer-handler.js';
import type { BellwetherError } from '../../src/errors.js';
import { FaultyDisk } from '../storage/faulty-file-system.js';
import { openJournal } from '../storage/journal-harness.js';
import { FakeTransport } from './fake-transport.js';
import { ManualClock } from './manual-clock.js';
import { MiniCluster } from './mini-cluster.js';

describe('a broker whose peers refuse it', () => {
  let clock: ManualClock;
  let broker: Broker;
  let handler: PeerHandler;
  const transport = new FakeTransport();
  const fatal: BellwetherError[] = [];

  beforeEach(async () => {
    clock = new ManualClock();
    fatal.length = 0;
    const { journal, groups } = await openJournal(new FaultyDisk());
    const identity = {
      id: 'n1',
      bootstrap: ['n1', 'n2', 'n3'],
      peerAddresses: new Map([['n2', 'n2:2']]),
      peerAddress: 'n1:2',
      incarnation: 'i',
      address: 'n1:1',
      rack: '',
    };
    broker = new Broker(identity, {
      clock,
      journal,
      recovered: groups,
      transport,
      log: () => undefined,
      onFatal: (error) => fatal.push(error),
    });
    broker.start();
    broker.peers.start();
    handler = new PeerHandler(broker);
  });

  afterEach(() => {
    broker.stop();
  });

  const REMOVED = 'broker n1 was removed from the cluster';

  it('dials those whose address it knows', () => {
    expect([...transport.connections]).toEqual([['n2', ['n2:2']]]);
  });

  it('goes on while half of them take it, and says that it was removed when most do not', () => {
    handler.refusedByPeer('n2', REMOVED);
    handler.refusedByPeer('n2', REMOVED);
    expect(fatal).toEqual([]);
    handler.refusedByPeer('n3', REMOVED);
    expect(fatal.map(({ reason, message }) => [reason, message])).toEqual([
      ['CLUSTER_MISMATCH', `most peers refuse broker n1: ${REMOVED}`],
    ]);
  });

  it('goes on when one of them has thought better of it', () => {
    handler.refusedByPeer('n2', REMOVED);
    handler.dataStreamOpened('n2');
    handler.refusedByPeer('n3', REMOVED);
    expect(fatal).toEqual([]);
  });

  it('counts them against all present peers, and nobody who is none', () => {
    const newcomer = {
      clusterId: '',
      broker: 'n4',
      incarnation: 'd',
      peerAddress: 'n4:2',
      metadataIndex: 9,
    };
    handler.admit(newcomer);
    clock.runDeferred();
    expect(broker.peers.ids).toEqual(['n2', 'n3', 'n4']);
    handler.refusedByPeer('n2', REMOVED);
    handler.refusedByPeer('gone', REMOVED);
    expect(fatal).toEqual([]);
    handler.refusedByPeer('n4', REMOVED);
    expect(fatal).toHaveLength(1);
  });
});

describe('the brokers of a cluster', () => {
  it('tell each other through the metadata where they are', async () => {
    const cluster = await MiniCluster.start();
    for (const { broker } of cluster.members) {
      const addresses = [...broker.cluster.state.brokers.values()].map(({ peerAddress }) => peerAddress);
      expect(addresses.sort()).toEqual(['n1:2', 'n2:2', 'n3:2']);
    }
    cluster.close();
  });
});
