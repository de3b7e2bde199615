import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker } from '../../src/broker/broker.js';
import { PeerHandler } from '../../src/broker/peer-handler.js';
import { BellwetherError } from '../../src/errors.js';
import type { Refusal } from '../../src/broker/peer-port.js';
import { FaultyDisk } from '../storage/faulty-file-system.js';
import { openJournal } from '../storage/journal-harness.js';
import { FakeTransport } from './fake-transport.js';
import { ManualClock } from './manual-clock.js';
import { MiniCluster } from './mini-cluster.js';

function refusal(kind: Refusal, text: string): BellwetherError {
  return new BellwetherError('CLUSTER_MISMATCH', text, { metadata: { refusal: kind } });
}

describe('a broker whose peers refuse it', () => {
  let clock: ManualClock;
  let broker: Broker;
  let handler: PeerHandler;
  let transport: FakeTransport;
  const fatal: BellwetherError[] = [];
  const warnings: unknown[] = [];

  const start = async (bootstrap: readonly string[]): Promise<void> => {
    clock = new ManualClock();
    transport = new FakeTransport();
    fatal.length = 0;
    warnings.length = 0;
    const { journal, groups } = await openJournal(new FaultyDisk());
    const identity = {
      id: 'n1',
      bootstrap,
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
      log: (message, facts, level) => {
        if (level === 'warn') warnings.push([message, facts]);
      },
      onFatal: (error) => fatal.push(error),
    });
    broker.start();
    broker.peers.start();
    handler = new PeerHandler(broker);
  };

  beforeEach(() => start(['n1', 'n2', 'n3']));

  afterEach(() => {
    broker.stop();
  });

  const REMOVED = refusal('REMOVED', 'broker n1 was removed from the cluster');

  it('dials those whose address it knows', () => {
    expect([...transport.connections]).toEqual([['n2', ['n2:2']]]);
  });

  it('goes on while half of them take it, and says that it was removed when most do not', () => {
    handler.refusedByPeer('n2', REMOVED);
    handler.refusedByPeer('n2', REMOVED);
    expect(fatal).toEqual([]);
    handler.refusedByPeer('n3', REMOVED);
    expect(fatal.map(({ reason, message }) => [reason, message])).toEqual([
      [
        'CLUSTER_MISMATCH',
        'most peers refuse broker n1: broker n1 was removed from the cluster; to have it back, run "bellwether broker add n1=n1:2", and start it with --join and an empty data folder',
      ],
    ]);
  });

  it('goes on when one of them has thought better of it', () => {
    handler.refusedByPeer('n2', REMOVED);
    handler.dataStreamOpened('n2');
    handler.refusedByPeer('n3', REMOVED);
    expect(fatal).toEqual([]);
  });

  it('waits when it joins and was not added yet, and says so now and then', async () => {
    broker.stop();
    await start([]);
    const unknown = refusal('UNKNOWN', 'broker n1 is not one of the peers of n2');
    for (let i = 0; i < 100; i++) {
      handler.refusedByPeer('n2', unknown);
      handler.refusedByPeer('n2', REMOVED);
      clock.advance(100);
    }
    expect(fatal).toEqual([]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toEqual([
      'waiting to be added to the cluster',
      {
        peer: 'n2',
        reason: 'broker n1 is not one of the peers of n2',
        next: 'run "bellwether broker add n1=n1:2"',
      },
    ]);
  });

  it('ends when it joins with an empty disk in place of one that was not declared lost', async () => {
    broker.stop();
    await start([]);
    handler.refusedByPeer('n2', refusal('OTHER_DISK', 'broker n1 came back with another disk'));
    expect(fatal.map(({ message }) => message)).toEqual([
      'most peers refuse broker n1: broker n1 came back with another disk; start it with its former data folder, or, when that disk is lost, run "bellwether broker replace n1" first',
    ]);
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
