import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceBroker } from '../../src/broker/administration.js';
import { submitCommand } from '../../src/broker/submit.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection } from './outcomes.js';

const TIMEOUT_MS = 2_000;

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
});

afterEach(() => {
  cluster.close();
});

function n1() {
  return cluster.at('n1').broker;
}

async function loseDisk(id: string): Promise<void> {
  cluster.crash(id);
  await cluster.until(() => !n1().isAlive(id));
  await cluster.answer(replaceBroker(n1(), id, TIMEOUT_MS));
  await cluster.until(() => n1().cluster.state.brokers.get(id)?.status === 'JOINING');
}

it('a broker whose disk was declared lost while it was down learns it at its start, and joins again', async () => {
  await loseDisk('n4');
  const { broker, fatal } = await cluster.restart('n4');
  await cluster.until(() => broker.cluster.state.brokers.get('n4')?.status === 'ACTIVE');
  await cluster.until(() => n1().cluster.state.brokers.get('n4')?.status === 'ACTIVE');
  await cluster.until(() => n1().cluster.members?.includes('n4') === true);
  expect(fatal).toEqual([]);
});

it('one that comes back with an empty disk joins again too', async () => {
  await loseDisk('n4');
  cluster.replaceDisk('n4');
  const { fatal } = await cluster.restart('n4');
  await cluster.until(() => n1().group(n1().cluster.group.id)?.raft.voters.includes('n4') === true);
  expect(fatal).toEqual([]);
});

it('a broker that stands in its own metadata serves without a quorum', async () => {
  for (const { id } of cluster.members) cluster.crash(id);
  expect(await cluster.answer((await cluster.restart('n1')).registered)).toBe(true);
});

it('a start with nothing new changes nothing in the metadata', async () => {
  const before = JSON.stringify(n1().cluster.state.toJson());
  const index = n1().cluster.appliedIndex;
  await cluster.restart('n4');
  await cluster.until(() => n1().cluster.appliedIndex > index);
  expect(JSON.stringify(n1().cluster.state.toJson())).toBe(before);
});

it('ReplaceBroker refuses to declare the disk of a running broker lost', async () => {
  const error = await rejection(cluster.answer(replaceBroker(n1(), 'n4', TIMEOUT_MS)));
  expect([error.reason, error.metadata['broker']]).toEqual(['BROKER_CHANGE_REFUSED', 'n4']);
  expect(n1().cluster.state.brokers.get('n4')?.status).toBe('ACTIVE');
});

it('a broker whose disk is declared lost while it runs joins again, though nobody tells it that it was removed', async () => {
  const { broker, fatal, registered } = cluster.at('n4');
  await cluster.answer(registered);
  // As a ReplaceBroker that was under way for so long that the new disk was there when it arrived.
  await cluster.answer(submitCommand(n1(), { kind: 'replaceBroker', id: 'n4' }, TIMEOUT_MS));
  await cluster.until(() => n1().cluster.state.brokers.get('n4')?.status === 'JOINING');
  await cluster.until(() => n1().cluster.state.brokers.get('n4')?.status === 'ACTIVE');
  await cluster.until(() => n1().cluster.group.raft.voters.includes('n4'));
  await cluster.until(() => broker.cluster.appliedIndex === n1().cluster.appliedIndex);
  expect(fatal).toEqual([]);
});

it('so does one that was cut off meanwhile, and has seen nothing of it', async () => {
  const { broker, fatal, registered } = cluster.at('n4');
  await cluster.answer(registered);
  cluster.network.isolate('n4');
  await cluster.until(() => !n1().isAlive('n4'));
  await cluster.answer(replaceBroker(n1(), 'n4', TIMEOUT_MS));
  await cluster.until(() => n1().cluster.state.brokers.get('n4')?.status === 'JOINING');
  cluster.network.heal();
  await cluster.until(() => n1().cluster.state.brokers.get('n4')?.status === 'ACTIVE');
  await cluster.until(() => broker.cluster.appliedIndex === n1().cluster.appliedIndex);
  expect(fatal).toEqual([]);
});
