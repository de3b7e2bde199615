import { afterEach, describe, expect, it } from 'vitest';
import { explainController, explainLeader, type Explanation } from '../../src/broker/explain.js';
import type { LeaderBalance } from '../../src/broker/balancer.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';

const TOPIC = 'orders';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(balance?: LeaderBalance): Promise<void> {
  cluster = await MiniCluster.start(undefined, undefined, balance);
  await cluster.createTopic('n1', { topic: TOPIC });
  expect(await cluster.elected(TOPIC)).toBe('n1');
}

function explained(via: BrokerId): Explanation {
  const { broker } = cluster.at(via);
  return explainLeader(broker, broker.assignment(TOPIC, 0));
}

function obstacles({ replicas }: Explanation): Record<string, readonly string[]> {
  return Object.fromEntries(replicas.map((each) => [each.broker, each.obstacles]));
}

async function moved(): Promise<string> {
  const { broker } = cluster.at('n2');
  const request = {
    failedLeader: 'n1',
    expectedTerm: undefined,
    target: 'n2',
    maxBlockMs: 500,
    dryRun: false,
  };
  await cluster.answer(broker.failover.run(broker.assignment(TOPIC, 0), request, 3_000));
  return cluster.elected(TOPIC, 0, ['n1']);
}

describe('an explanation', () => {
  it('has nothing against a preferred leader, and knows the lag of the others only where it leads', async () => {
    await withTopic();
    for (const id of cluster.ids) {
      const why = explained(id);
      expect(why).toMatchObject({ leader: 'n1', preferredLeader: 'n1' });
      expect(why.summary).toBe('n1 leads in term 1 and is the preferred leader.');
      expect(obstacles(why)).toEqual({ n1: [], n2: [], n3: [] });
      const lags = why.replicas.map(({ lagEntries }) => lagEntries);
      expect(lags).toEqual(id === 'n1' ? [0, 0, 0] : [undefined, undefined, undefined]);
    }
  });

  it('says that a preferred leader which lost the leadership cools down, and for how long', async () => {
    await withTopic();
    expect(await moved()).toBe('n2');
    const why = explained('n2');
    expect(obstacles(why)).toEqual({ n1: ['COOLING_DOWN'], n2: [], n3: [] });
    expect(why.summary).toMatch(/^n2 leads in term 2; n1 is preferred and is left alone for another 60 s/);
    await cluster.run(61_000);
    expect(await cluster.elected(TOPIC, 0, ['n2'])).toBe('n1');
    const after = explained('n1');
    expect(after.changes[0]).toMatchObject({ cause: 'BALANCED', leader: 'n1', previousLeader: 'n2' });
    expect(obstacles(after)).toEqual({ n1: [], n2: ['COOLING_DOWN'], n3: [] });
  });

  it('says where leadership is not moved back by itself', async () => {
    await withTopic({ on: false, coolDownMs: 0 });
    expect(await moved()).toBe('n2');
    await cluster.run(61_000);
    expect(obstacles(explained('n2'))).toEqual({ n1: ['BALANCE_OFF'], n2: [], n3: [] });
    expect(explained('n3').summary).toContain('n1 is preferred and could lead, but leadership is not moved');
  });

  it('says who is not heard from', async () => {
    await withTopic();
    cluster.crash('n1');
    const leader = await cluster.elected(TOPIC);
    const why = explained(leader);
    expect(obstacles(why)['n1']).toContain('NOT_HEARD_FROM');
    // Nobody knows how far it had got: it has not answered the new leader, and may lack nothing.
    expect(obstacles(why)['n1']).not.toContain('LAGGING');
    expect(why.replicas.find(({ broker }) => broker === 'n1')?.lagEntries).toBeUndefined();
    expect(why.summary).toContain('n1 is preferred and is not heard from');
    expect(why.changes.map(({ cause }) => cause).at(-1)).toBe('CREATED');
  });

  it('says why nobody leads, and does not wait for it to change', async () => {
    await withTopic();
    for (const id of ['n1', 'n2']) cluster.crash(id);
    await cluster.until(() => explained('n3').leader === undefined);
    const why = explained('n3');
    expect(why.summary).toBe(
      'Nobody leads: n1, n2 are not heard from, and a quorum of n1, n2, n3 is needed.',
    );
    expect(obstacles(why)).toEqual({
      n1: ['NOT_HEARD_FROM', 'COOLING_DOWN'],
      n2: ['NOT_HEARD_FROM'],
      n3: ['NO_QUORUM'],
    });
    expect(why.term).toBe(1);
  });

  it('tells of the cluster metadata too: who is the controller, and why', async () => {
    await withTopic();
    const controller = () => explainController(cluster.at('n2').broker);
    expect(controller().summary).toBe('n1 leads in term 1 and is the preferred leader.');
    expect(obstacles(controller())).toEqual({ n1: [], n2: [], n3: [] });
    cluster.crash('n1');
    await cluster.until(() => (controller().leader ?? 'n1') !== 'n1' && controller().changes.length > 1);
    expect(controller().summary).toMatch(/^n[23] leads in term \d; n1 is preferred and is not heard from\.$/);
    expect(controller().changes[0]).toMatchObject({ topic: '__cluster', previousLeader: 'n1' });
    cluster.crash('n3');
    await cluster.until(() => controller().leader === undefined);
    expect(controller().summary).toBe(
      'Nobody leads: n1, n3 are not heard from, and a quorum of n1, n2, n3 is needed.',
    );
  });

  it('says how far a follower lags whose disk does not answer', async () => {
    await withTopic();
    cluster.disk('n3').holdSyncs = true;
    for (const value of ['a', 'b', 'c']) await cluster.produced('n1', TOPIC, value);
    const standing = explained('n1').replicas.find(({ broker }) => broker === 'n3');
    expect(standing).toMatchObject({ obstacles: ['LAGGING'], lagEntries: 3 });
    cluster.disk('n3').holdSyncs = false;
    cluster.disk('n3').releaseSyncs();
  });
});
