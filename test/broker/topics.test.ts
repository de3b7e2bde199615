import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker } from '../../src/broker/broker.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { PeerHandler } from '../../src/broker/peer-handler.js';
import { LeaderTable } from '../../src/broker/leader-table.js';
import { submitCommand } from '../../src/broker/submit.js';
import { leadersElected } from '../../src/broker/topics.js';
import { encodeResult } from '../../src/cluster/commands.js';
import { BellwetherError } from '../../src/errors.js';
import { asGroupId, asLogIndex, asTerm } from '../../src/raft/types.js';
import { openJournal } from '../storage/journal-harness.js';
import { FaultyDisk } from '../storage/faulty-file-system.js';
import { FakeTransport } from './fake-transport.js';
import { ManualClock } from './manual-clock.js';
import { rejection, settled, Watched } from './outcomes.js';

const COMMAND = { kind: 'deleteTopic', topic: 'orders' } as const;
const TIMEOUT_MS = 2_000;

/** A topic of three partitions, groups 1 to 3, at a broker that hears of their leaders. */
describe('leadersElected', () => {
  const clock = new ManualClock();
  const partitions = [1, 2, 3].map((group) => ({
    topic: 'orders',
    partition: group - 1,
    group: asGroupId(group),
    initial: [],
    replicas: [],
    target: undefined,
    membership: { index: asLogIndex(0), voters: [], learners: [] },
  }));

  function begin() {
    const table = new LeaderTable(clock, () => true);
    const elect = (group: number): void => {
      const term = asTerm(1);
      table.learn({ group: asGroupId(group), term, leader: 'n1', inSyncReplicas: [], leaderSinceMs: 0 });
    };
    return { done: new Watched(leadersElected({ table, clock }, { partitions }, 2_000)), elect };
  }

  it('waits for the leaders of all partitions, in whichever order they are elected', async () => {
    const { done, elect } = begin();
    for (const group of [3, 1]) elect(group);
    expect((await done.outcome()).state).toBe('pending');
    elect(2);
    expect((await done.outcome()).state).toBe('resolved');
  });

  it('waits no longer than it may, for all of them together', async () => {
    const { done, elect } = begin();
    clock.advance(1_500);
    elect(1);
    await settled();
    clock.advance(499);
    expect((await done.outcome()).state).toBe('pending');
    clock.advance(1);
    expect((await done.outcome()).state).toBe('resolved');
  });
});

/** Broker n1, which hears n2, the controller; what n2 answers is scripted. */
describe('submitCommand', () => {
  let clock: ManualClock;
  let transport: FakeTransport;
  let broker: Broker;

  beforeEach(async () => {
    clock = new ManualClock();
    transport = new FakeTransport();
    const { journal, groups } = await openJournal(new FaultyDisk());
    const identity = {
      id: 'n1',
      bootstrap: ['n1', 'n2', 'n3'],
      peerAddresses: new Map<string, string>(),
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
      onFatal: (error) => expect.fail(error.message),
    });
    broker.start();
    broker.peers.start();
    const handler = new PeerHandler(broker);
    handler.dataStreamOpened('n2');
    handler.heartbeatStreamOpened('n2');
    handler.heartbeatConfirmed('n2', 1);
    controllerIs('n2', 1);
  });

  afterEach(() => {
    broker.stop();
  });

  function controllerIs(leader: string | undefined, term: number): void {
    const group = CLUSTER_GROUP;
    broker.table.learn({ group, term: asTerm(term), leader, inSyncReplicas: [], leaderSinceMs: 0 });
  }

  /** Lets time pass in small steps, while n2 keeps confirming heartbeats. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) {
      clock.advance(Math.min(left, 10));
      const sequence = transport.heartbeats.at(-1)?.sequence ?? 0;
      broker.liveness.confirmed('n2', sequence);
      await settled();
    }
  }

  it('sends a command again while it was certainly not applied', async () => {
    const answers = ['NOT_LEADER', 'NO_LEADER', 'NOT_ENOUGH_REPLICAS'] as const;
    transport.onSubmit = () => {
      const reason = answers[transport.submits.length - 1];
      if (reason !== undefined) return Promise.reject(new BellwetherError(reason, 'not now'));
      return Promise.resolve({ index: asLogIndex(0), result: encodeResult({ ok: true }) });
    };
    const done = new Watched(submitCommand(broker, COMMAND, TIMEOUT_MS));
    await pass(500);
    expect([done.now.state, transport.submits.length]).toEqual(['resolved', 4]);
  });

  it.each(['COMMIT_TIMEOUT', 'LEADERSHIP_LOST', 'CONNECTION_LOST'] as const)(
    'sends it once when the outcome is unknown: %s',
    async (reason) => {
      transport.onSubmit = () => Promise.reject(new BellwetherError(reason, 'who knows'));
      const error = await rejection(submitCommand(broker, COMMAND, TIMEOUT_MS));
      expect([error.reason, transport.submits.length]).toEqual([reason, 1]);
    },
  );

  it("passes the state machine's refusal on", async () => {
    const refusal = {
      ok: false,
      reason: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: 'there is no topic orders',
      metadata: { topic: 'orders' },
    } as const;
    transport.onSubmit = () => Promise.resolve({ index: asLogIndex(0), result: encodeResult(refusal) });
    const error = await rejection(submitCommand(broker, COMMAND, TIMEOUT_MS));
    expect([error.reason, error.metadata]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', { topic: 'orders' }]);
  });

  it('does not claim what this broker has not seen applied: the outcome is unknown then', async () => {
    transport.onSubmit = () => Promise.resolve({ index: asLogIndex(9), result: encodeResult({ ok: true }) });
    const done = submitCommand(broker, COMMAND, TIMEOUT_MS);
    const watched = new Watched(done);
    await pass(TIMEOUT_MS + 100);
    expect(watched.now.state).toBe('rejected');
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['COMMIT_TIMEOUT', 'UNKNOWN']);
  });

  it('gives up at the deadline when nobody is elected', async () => {
    controllerIs(undefined, 1);
    const done = new Watched(submitCommand(broker, COMMAND, TIMEOUT_MS));
    await pass(TIMEOUT_MS + 100);
    expect(done.now).toEqual({ state: 'rejected', reason: 'NO_LEADER' });
    expect(transport.submits).toEqual([]);
  });

  it('never asks for more time than its caller has', async () => {
    transport.onSubmit = () => Promise.reject(new BellwetherError('NO_LEADER', 'not now'));
    const done = new Watched(submitCommand(broker, COMMAND, 350));
    await pass(600);
    expect(done.now.state).toBe('rejected');
    for (const { timeoutMs } of transport.submits) {
      expect(timeoutMs).toBeGreaterThan(0);
      expect(timeoutMs).toBeLessThanOrEqual(350);
    }
  });
});
