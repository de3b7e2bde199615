/** How leadership came about, over real gRPC: the history, the watch, the explanation, the transfer. */

import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeadershipCause, type LeadershipChange } from '../../../gen/bellwether/v1/leadership.js';
import {
  FailoverOutcome,
  LeadershipObstacle,
  type WatchLeadershipResponse,
} from '../../../gen/bellwether/v1/partition_service.js';
import type { BellwetherError } from '../../../src/errors.js';
import { fromServiceError } from '../../../src/wire/status.js';
import { BAD_TOPICS, batchOf, BROKERS, failure, refusedField, Wire } from './wire.js';

const TOPIC = 'orders';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start(TOPIC);
});

afterAll(async () => wire.close());

/** A topic of its own, and who leads it. */
async function created(topic: string): Promise<{ leader: string; term: number }> {
  await wire.at('n1').createTopic({ topic });
  return wire.at('n1').partitionLeader({ topic });
}

/** The messages of a watch, as they come. */
class Watched {
  readonly position: Promise<number>;
  readonly changes: LeadershipChange[] = [];
  readonly ended: Promise<BellwetherError>;
  readonly #stream: ClientReadableStream<WatchLeadershipResponse>;
  #look: () => void = () => undefined;

  constructor(stream: ClientReadableStream<WatchLeadershipResponse>) {
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      stream.on('error', (error: ServiceError) => {
        resolve(fromServiceError(error));
      });
    });
    this.position = new Promise((resolve) => {
      stream.on('data', ({ event }: WatchLeadershipResponse) => {
        if (event?.$case === 'position') resolve(event.value);
        if (event?.$case === 'change') this.changes.push(event.value);
        this.#look();
      });
    });
  }

  /** The first change of which something is so, once it has come. */
  async until(isSo: (change: LeadershipChange) => boolean): Promise<LeadershipChange> {
    return new Promise((resolve) => {
      this.#look = () => {
        const found = this.changes.find(isSo);
        if (found !== undefined) resolve(found);
      };
      this.#look();
    });
  }

  async cancel(): Promise<void> {
    this.#stream.cancel();
    await this.ended;
  }
}

function watch(via: string, request: { topics?: string[]; afterSequence?: number } = {}): Watched {
  return new Watched(wire.at(via).watchLeadership(request));
}

describe('PartitionFailover', () => {
  it('says where the time went, and the history says the same at every broker', async () => {
    const { leader, term } = await created('timed');
    const watches = BROKERS.map((id) => watch(id, { topics: ['timed'], afterSequence: 0 }));
    const moved = await wire.at('n2').partitionFailover({ topic: 'timed', failedLeader: leader });
    const { timeline } = moved;
    expect(timeline).toMatchObject({ detectMs: undefined, firstWriteMs: undefined });
    expect(timeline?.blockedMs).toBeLessThanOrEqual(moved.failoverMs);
    const told = await Promise.all(watches.map((each) => each.until((change) => change.term > term)));
    for (const change of told) {
      expect(change).toEqual({
        ...told[0],
        topic: 'timed',
        partition: 0,
        leader: moved.newLeader,
        term: moved.newTerm,
        previousLeader: leader,
        previousTerm: term,
        cause: LeadershipCause.REQUESTED,
        timeline,
      });
    }
    const { failovers } = await wire.at('n3').listFailovers({ topic: 'timed' });
    expect(failovers).toEqual([told[0]]);
    await Promise.all(watches.map((each) => each.cancel()));
  });

  it('with dry_run names who would lead, and moves nothing', async () => {
    const { leader, term } = await created('dry');
    const others = BROKERS.filter((id) => id !== leader);
    for (const via of BROKERS) {
      const dry = { topic: 'dry', failedLeader: leader, dryRun: true };
      const answer = await wire.at(via).partitionFailover(dry);
      expect(others).toContain(answer.newLeader);
      expect(answer).toMatchObject({
        newTerm: term,
        failoverMs: 0,
        outcome: FailoverOutcome.WOULD_MOVE,
        timeline: undefined,
      });
      for (const target of others) {
        expect((await wire.at(via).partitionFailover({ ...dry, target })).newLeader).toBe(target);
      }
      const already = await wire.at(via).partitionFailover({ ...dry, failedLeader: others[0] ?? '' });
      expect([already.outcome, already.newLeader]).toEqual([FailoverOutcome.ALREADY_MOVED, leader]);
      const fenced = await failure(wire.at(via).partitionFailover({ ...dry, expectedTerm: term + 1 }));
      expect(fenced.reason).toBe('FENCED_TERM');
    }
    expect(await wire.at('n1').partitionLeader({ topic: 'dry' })).toMatchObject({ leader, term });
  });
});

describe('TransferLeadership', () => {
  const call = { topic: TOPIC };

  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n2').transferLeadership({ topic }))).toBe('topic');
  });

  it.each([
    ['partition', { partition: -1 }],
    ['expected_term', { expectedTerm: -1 }],
    ['target', { target: '' }],
    ['max_block_ms', { maxBlockMs: 0 }],
    ['max_block_ms', { maxBlockMs: 10_001 }],
  ])('refuses %s', async (field, request) => {
    expect(await refusedField(wire.at('n2').transferLeadership({ ...call, ...request }))).toBe(field);
  });

  it('hands over from whoever leads, and does nothing for a target that leads already', async () => {
    const { leader, term } = await created('handed');
    const target = BROKERS.find((id) => id !== leader);
    const via = BROKERS.find((id) => id !== leader && id !== target) ?? '';
    const moved = await wire.at(via).transferLeadership({ topic: 'handed', target, expectedTerm: term });
    expect(moved).toMatchObject({ leader: target, outcome: FailoverOutcome.MOVED });
    expect(moved.term).toBeGreaterThan(term);
    expect(moved.transferMs).toBeGreaterThan(0);
    expect(moved.timeline?.blockedMs).toBeGreaterThan(0);
    // Sent again it finds its work done, the stale term notwithstanding.
    const again = await wire.at(via).transferLeadership({ topic: 'handed', target, expectedTerm: term });
    expect(again).toEqual({
      leader: target,
      term: moved.term,
      transferMs: 0,
      timeline: undefined,
      outcome: FailoverOutcome.ALREADY_MOVED,
    });
    const stale = { topic: 'handed', expectedTerm: term };
    expect((await failure(wire.at(via).transferLeadership(stale))).reason).toBe('FENCED_TERM');
    const back = await wire.at(leader).transferLeadership({ topic: 'handed' });
    expect(back.leader).not.toBe(target);
  });

  it('refuses a target that cannot lead', async () => {
    const { leader } = await wire.at('n1').partitionLeader(call);
    const error = await failure(wire.at(leader).transferLeadership({ ...call, target: 'n9' }));
    expect(error.reason).toBe('TARGET_NOT_ELIGIBLE');
  });
});

describe('WatchLeadership', () => {
  it('begins with what comes next, and says behind which change', async () => {
    const watched = watch('n3', { topics: [TOPIC] });
    const position = await watched.position;
    const { leader } = await wire.at('n1').partitionLeader({ topic: TOPIC });
    const moved = await wire.at('n2').partitionFailover({ topic: TOPIC, failedLeader: leader });
    const change = await watched.until((each) => each.term === moved.newTerm);
    expect(change.sequence).toBeGreaterThan(position);
    expect(watched.changes.every(({ sequence, topic }) => sequence > position && topic === TOPIC)).toBe(true);
    await watched.cancel();
  });

  it('tells of the first write behind a change', async () => {
    const { leader } = await created('written');
    const watched = watch('n2', { topics: ['written'] });
    await watched.position;
    const { newLeader } = await wire.at('n2').partitionFailover({ topic: 'written', failedLeader: leader });
    await wire.at(newLeader).produce({ topic: 'written', recordBatch: batchOf('a') });
    const change = await watched.until(({ timeline }) => timeline?.firstWriteMs !== undefined);
    expect(change).toMatchObject({ leader: newLeader, previousLeader: leader });
    await watched.cancel();
  });

  it('goes on behind the sequence that it is given, at any broker', async () => {
    const { failovers } = await wire.at('n1').listFailovers({});
    const middle = failovers[Math.floor(failovers.length / 2)]?.sequence ?? 0;
    const newest = failovers[0]?.sequence ?? 0;
    for (const via of BROKERS) {
      const watched = watch(via, { afterSequence: middle });
      expect(await watched.position).toBe(middle);
      await watched.until(({ sequence }) => sequence === newest);
      const sequences = watched.changes.map(({ sequence }) => sequence);
      expect(sequences.slice(0, newest - middle)).toEqual(
        Array.from({ length: newest - middle }, (_, i) => middle + 1 + i),
      );
      await watched.cancel();
    }
  });

  it('refuses a topic that is not there, and a position below 0', async () => {
    expect((await watch('n1', { topics: ['none'] }).ended).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const error = await watch('n1', { afterSequence: -1 }).ended;
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'after_sequence']);
  });
});

describe('ListFailovers', () => {
  it('lists the newest first, as many as are asked for, and no first election', async () => {
    let { leader } = await created('listed');
    const terms: number[] = [];
    for (let i = 0; i < 3; i++) {
      const moved = await wire.at('n1').partitionFailover({ topic: 'listed', failedLeader: leader });
      leader = moved.newLeader;
      terms.unshift(moved.newTerm);
    }
    const watched = watch('n1', { topics: ['listed'], afterSequence: 0 });
    await watched.until(({ term }) => term === terms[0]);
    await watched.cancel();
    expect(watched.changes[0]?.cause).toBe(LeadershipCause.CREATED);
    const all = await wire.at('n1').listFailovers({ topic: 'listed', partition: 0 });
    expect(all.failovers.map(({ term }) => term)).toEqual(terms);
    const two = await wire.at('n1').listFailovers({ topic: 'listed', limit: 2 });
    expect(two.failovers.map(({ term }) => term)).toEqual(terms.slice(0, 2));
    await wire.at('n1').deleteTopic({ topic: 'listed' });
    const gone = await wire.at('n1').listFailovers({ topic: 'listed' });
    expect(gone.failovers.map(({ term }) => term)).toEqual(terms);
  });

  it('refuses what it cannot know', async () => {
    expect((await failure(wire.at('n1').listFailovers({ topic: 'none' }))).reason).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    );
    expect((await failure(wire.at('n1').listFailovers({ topic: TOPIC, partition: 7 }))).reason).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    );
    expect(await refusedField(wire.at('n1').listFailovers({ limit: 1_001 }))).toBe('limit');
    expect(await refusedField(wire.at('n1').listFailovers({ partition: 0 }))).toBe('topic');
    expect(await refusedField(wire.at('n1').listFailovers({ topic: 'a b' }))).toBe('topic');
  });
});

describe('ExplainLeader', () => {
  it('tells why the preferred replica does not lead, and how it came about', async () => {
    const { leader } = await created('explained');
    const preferred = await wire.at('n2').explainLeader({ topic: 'explained' });
    expect(preferred).toMatchObject({ leader, preferredLeader: leader });
    expect(preferred.summary).toContain('is the preferred leader');

    const { newLeader, newTerm } = await wire
      .at('n2')
      .partitionFailover({ topic: 'explained', failedLeader: leader });
    const watched = watch(newLeader, { topics: ['explained'], afterSequence: 0 });
    await watched.until(({ term }) => term === newTerm);
    await watched.cancel();
    const why = await wire.at(newLeader).explainLeader({ topic: 'explained' });
    expect(why).toMatchObject({ leader: newLeader, term: newTerm, preferredLeader: leader });
    expect(why.summary).toContain(`${leader} is preferred and`);
    const standing = why.replicas.find(({ broker }) => broker === leader);
    expect(standing?.obstacles).toContain(LeadershipObstacle.COOLING_DOWN);
    expect(standing?.coolDownMs).toBeGreaterThan(0);
    expect(why.replicas.find(({ leads }) => leads)).toMatchObject({ broker: newLeader, obstacles: [] });
    expect(why.changes.map(({ cause }) => cause)).toEqual([
      LeadershipCause.REQUESTED,
      LeadershipCause.CREATED,
    ]);
  });

  it('tells of the controller as of the leader of partition 0 of __cluster, which has no other', async () => {
    const { controller } = await wire.at('n1').describeCluster();
    for (const via of BROKERS) {
      const why = await wire.at(via).explainLeader({ topic: '__cluster' });
      expect(why.leader).toBe(controller);
      expect(why.replicas.map(({ broker }) => broker).sort()).toEqual([...BROKERS].sort());
    }
    const error = await failure(wire.at('n1').explainLeader({ topic: '__cluster', partition: 1 }));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('knows no partition that does not exist', async () => {
    const error = await failure(wire.at('n1').explainLeader({ topic: TOPIC, partition: 1 }));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});

describe('a broker that stops', () => {
  it('ends its watches with SHUTTING_DOWN', async () => {
    const other = await Wire.start(TOPIC);
    const watched = new Watched(other.at('n2').watchLeadership({}));
    await watched.position;
    const closed = other.close();
    expect((await watched.ended).reason).toBe('SHUTTING_DOWN');
    await closed;
  });
});
