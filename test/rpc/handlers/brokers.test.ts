import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerStatus, MemberRole } from '../../../gen/bellwether/v1/admin_service.js';
import { BAD_TOPICS, batchOf, BROKERS, failure, refusedField, Wire } from './wire.js';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

describe('what is refused for its form', () => {
  it.each(['', 'a/b', 'ü', 'a'.repeat(65)])('AddBroker: the name %j', async (broker) => {
    expect(await refusedField(wire.at('n1').addBroker({ broker, peerAddress: 'h:1' }))).toBe('broker');
  });

  it.each(['', 'h', 'h:0', 'h:65536'])('AddBroker: the address %j', async (peerAddress) => {
    const call = wire.at('n1').addBroker({ broker: 'n4', peerAddress });
    expect(await refusedField(call)).toBe('peer_address');
  });

  it('RemoveBroker and ReplaceBroker: no name', async () => {
    expect(await refusedField(wire.at('n1').removeBroker({}))).toBe('broker');
    expect(await refusedField(wire.at('n1').replaceBroker({}))).toBe('broker');
  });

  it.each([
    ['none', []],
    ['one twice', ['n1', 'n1']],
    ['an empty name', ['n1', '']],
    ['too many', Array.from({ length: 8 }, (_, i) => `n${i}`)],
  ])('ReassignPartition: %s', async (_, replicas) => {
    expect(await refusedField(wire.at('n1').reassignPartition({ topic: 'orders', replicas }))).toBe(
      'replicas',
    );
  });

  it.each(BAD_TOPICS)('the topic %j', async (topic) => {
    const n1 = wire.at('n1');
    expect(await refusedField(n1.reassignPartition({ topic, replicas: ['n1'] }))).toBe('topic');
    expect(await refusedField(n1.cancelReassignment({ topic }))).toBe('topic');
    expect(await refusedField(n1.describeReplication({ topic }))).toBe('topic');
    expect(await refusedField(n1.deleteRecords({ topic }))).toBe('topic');
  });

  it('DeleteRecords: an offset below -1, which stands for the high watermark', async () => {
    const call = wire.at('n1').deleteRecords({ topic: 'orders', beforeOffset: -2 });
    expect(await refusedField(call)).toBe('before_offset');
  });
});

describe('ListBrokers', () => {
  it('says the same on every broker of who is there, and where', async () => {
    for (const via of BROKERS) {
      const { brokers } = await wire.at(via).listBrokers();
      expect(brokers).toEqual(
        BROKERS.map((id) => ({
          id,
          address: wire.at(id).address,
          peerAddress: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as string,
          rack: '',
          status: BrokerStatus.ACTIVE,
          alive: true,
          controller: id === 'n1',
          leaderCount: id === 'n1' ? 1 : 0,
          replicaCount: 1,
          incarnation: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        })),
      );
    }
  });
});

describe('DescribeReplication', () => {
  it('the leader tells how far each member is', async () => {
    await wire.at('n1').produce({ topic: 'orders', recordBatch: batchOf('a') });
    const { term, members } = await wire.at('n1').describeReplication({ topic: 'orders' });
    expect(term).toBe(1);
    expect(members.map(({ broker, role, alive }) => [broker, role, alive])).toEqual([
      ['n1', MemberRole.LEADER, true],
      ['n2', MemberRole.VOTER, true],
      ['n3', MemberRole.VOTER, true],
    ]);
    const end = members[0]?.matchIndex ?? 0;
    for (const { matchIndex, lagEntries } of members) expect(matchIndex + lagEntries).toBe(end);
  });

  it('another broker names the leader', async () => {
    const error = await failure(wire.at('n2').describeReplication({ topic: 'orders' }));
    expect([error.reason, error.leaderHint?.leader]).toEqual(['NOT_LEADER', 'n1']);
  });
});

describe('DeleteRecords', () => {
  it('answers with the log start offset, and refuses what is not committed, and other brokers', async () => {
    const n1 = wire.at('n1');
    const { baseOffset } = await n1.produce({ topic: 'orders', recordBatch: batchOf('b', 'c') });
    const end = baseOffset + 2;
    expect(await n1.deleteRecords({ topic: 'orders', beforeOffset: 0 })).toEqual({ logStartOffset: 0 });
    expect(await n1.deleteRecords({ topic: 'orders', beforeOffset: -1 })).toEqual({ logStartOffset: end });
    const beyond = await failure(n1.deleteRecords({ topic: 'orders', beforeOffset: end + 1 }));
    expect([beyond.reason, beyond.metadata['high_watermark']]).toEqual(['OFFSET_OUT_OF_RANGE', String(end)]);
    const elsewhere = await failure(wire.at('n3').deleteRecords({ topic: 'orders', beforeOffset: 1 }));
    expect(elsewhere.reason).toBe('NOT_LEADER');
  });
});

describe('changes', () => {
  it('are refused for brokers and partitions that are not there', async () => {
    const n2 = wire.at('n2');
    const reasons = [
      n2.removeBroker({ broker: 'n9' }),
      n2.replaceBroker({ broker: 'n9' }),
      n2.reassignPartition({ topic: 'orders', replicas: ['n9'] }),
      n2.reassignPartition({ topic: 'orders', partition: 1, replicas: ['n1'] }),
      n2.cancelReassignment({ topic: 'orders', partition: 1 }),
      n2.cancelReassignment({ topic: 'orders' }),
      n2.addBroker({ broker: 'n1', peerAddress: '127.0.0.1:1' }),
      n2.removeBroker({ broker: 'n1' }),
    ].map(async (call) => (await failure(call)).reason);
    expect(await Promise.all(reasons)).toEqual([
      'BROKER_NOT_FOUND',
      'BROKER_NOT_FOUND',
      'REASSIGNMENT_REFUSED',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'NO_REASSIGNMENT',
      'BROKER_ALREADY_EXISTS',
      'BROKER_CHANGE_REFUSED',
    ]);
  });

  it('the order of preference changes at once, whichever broker is asked', async () => {
    await wire.at('n2').reassignPartition({ topic: 'orders', replicas: ['n3', 'n1', 'n2'] });
    const { topic } = await wire.at('n2').describeTopic({ topic: 'orders' });
    expect(topic?.partitions[0]?.replicas).toEqual(['n3', 'n1', 'n2']);
    expect((await wire.at('n2').listReassignments()).reassignments).toEqual([]);
  });

  it('an admitted broker is JOINING, is no address for clients, and goes again at once', async () => {
    await wire.at('n3').addBroker({ broker: 'n4', peerAddress: '127.0.0.1:9' });
    const { brokers } = await wire.at('n3').listBrokers();
    expect(brokers.at(-1)).toMatchObject({
      id: 'n4',
      status: BrokerStatus.JOINING,
      address: '',
      alive: false,
    });
    expect((await wire.at('n3').metadata({})).brokers.map(({ id }) => id)).toEqual(BROKERS);
    await wire.at('n2').removeBroker({ broker: 'n4' });
    expect((await wire.at('n2').listBrokers()).brokers.map(({ id }) => id)).toEqual(BROKERS);
  });
});
