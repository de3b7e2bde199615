/**
 * The replicated history of leadership: the same on every broker, whatever way the reports came and however
 * often; bounded; and whole after a snapshot.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { type ClusterCommand, decodeCommand, encodeCommand } from '../../src/cluster/commands.js';
import type { LeadershipReport } from '../../src/cluster/leadership-change.js';
import { HISTORY_BOUNDS, LeadershipHistory } from '../../src/cluster/leadership-history.js';
import { historyFromJson, historyToJson } from '../../src/cluster/leadership-json.js';
import { asGroupId } from '../../src/raft/types.js';

const ORDERS = { topic: 'orders', partition: 0 };
const always = (): boolean => true;

function report(group: number, term: number, fields: Partial<LeadershipReport> = {}): LeadershipReport {
  return {
    group: asGroupId(group),
    term,
    leader: 'n1',
    previousLeader: 'n2',
    previousTerm: term - 1,
    cause: 'CONNECTION_LOST',
    changedAtMs: 1_700_000_000_000,
    detectUs: 12_345,
    electUs: undefined,
    commitUs: 678,
    blockedUs: undefined,
    ...fields,
  };
}

function record(...changes: readonly LeadershipReport[]): ClusterCommand {
  return { kind: 'recordLeadership', changes, firstWrites: [] };
}

/** A state with the topic `orders` of `partitions` partitions, which are the groups from 1. */
function stateWith(partitions: number): ClusterState {
  const state = new ClusterState();
  const broker = { id: 'n1', incarnation: 'a', address: 'n1:1', peerAddress: 'n1:2', rack: '' };
  state.apply({ kind: 'registerBroker', ...broker });
  const assignments = Array.from({ length: partitions }, () => ['n1']);
  state.apply({ kind: 'createTopic', topic: 'orders', replicationFactor: 1, assignments });
  return state;
}

function sequencesOf(state: ClusterState): number[] {
  return state.leadership.newestFirst().map(({ sequence }) => sequence);
}

describe('the history of leadership', () => {
  it('numbers changes from 1 in the order of their arrival, also one of an older term', () => {
    const state = stateWith(2);
    state.apply(record(report(2, 4), report(1, 1)));
    state.apply(record(report(2, 3)));
    const known = state.leadership.newestFirst().map(({ sequence, group, term }) => [sequence, group, term]);
    expect(known).toEqual([
      [3, 2, 3],
      [2, 1, 1],
      [1, 2, 4],
    ]);
    expect(state.leadership.ofGroup(asGroupId(2)).map(({ term }) => term)).toEqual([3, 4]);
  });

  it('names topic and partition, and keeps them when the topic is gone', () => {
    const state = stateWith(2);
    state.apply(record(report(2, 1), report(0, 1)));
    state.apply({ kind: 'deleteTopic', topic: 'orders' });
    const named = state.leadership.newestFirst().map(({ topic, partition }) => ({ topic, partition }));
    expect(named).toEqual([
      { topic: '__cluster', partition: 0 },
      { topic: 'orders', partition: 1 },
    ]);
    // Nobody can say any more what a group was called whose topic is gone.
    expect(state.apply(record(report(1, 9))).changes).toEqual([]);
  });

  it('adds the first write to the change that it belongs to, once', () => {
    const state = stateWith(1);
    state.apply(record(report(1, 1), report(1, 2)));
    const wrote = (term: number, firstWriteUs: number): ClusterCommand => ({
      kind: 'recordLeadership',
      changes: [],
      firstWrites: [{ group: asGroupId(1), term, firstWriteUs }],
    });
    const { changes } = state.apply(wrote(1, 77));
    expect(changes).toMatchObject([{ leadership: [{ sequence: 1, firstWriteUs: 77 }] }]);
    expect(state.apply(wrote(1, 88)).changes).toEqual([]);
    expect(state.apply(wrote(3, 99)).changes).toEqual([]);
    const writes = state.leadership.newestFirst().map(({ firstWriteUs }) => firstWriteUs);
    expect(writes).toEqual([undefined, 77]);
  });

  it('keeps the newest of each partition, and says up to where it has forgotten', () => {
    const state = stateWith(2);
    state.apply(record(report(2, 1)));
    for (let term = 1; term <= HISTORY_BOUNDS.perGroupMax + 2; term++) state.apply(record(report(1, term)));
    const terms = state.leadership.ofGroup(asGroupId(1)).map(({ term }) => term);
    expect(terms).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);
    expect(state.leadership.trimmedSequence).toBe(3);
    expect(sequencesOf(state)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 1]);
  });

  it('does not take up again what was dropped: a late retry of it says nothing new', () => {
    const history = new LeadershipHistory({ perGroupMax: 2, changesMax: 3 });
    for (const term of [1, 2, 3]) history.record(report(1, term), ORDERS, always);
    expect(history.record(report(1, 1), ORDERS, always)).toBeUndefined();
    for (const group of [2, 3]) history.record(report(group, 1), ORDERS, always);
    // The oldest of all went with these.
    expect(history.newestFirst().map(({ group, term }) => [group, term])).toEqual([
      [3, 1],
      [2, 1],
      [1, 3],
    ]);
    expect(history.record(report(1, 2), ORDERS, always)).toBeUndefined();
    expect(history.lastSequence).toBe(5);
  });

  it('is as large as its bound and no larger', () => {
    const history = new LeadershipHistory();
    for (let group = 1; group <= HISTORY_BOUNDS.changesMax + 5; group++) {
      history.record(report(group, 1), ORDERS, always);
    }
    expect([history.size, history.trimmedSequence]).toEqual([HISTORY_BOUNDS.changesMax, 5]);
  });

  it('forgets a deleted group altogether, once its last change is dropped', () => {
    const history = new LeadershipHistory({ perGroupMax: 8, changesMax: 1 });
    history.record(report(1, 5), ORDERS, always);
    history.groupDeleted(asGroupId(1));
    history.record(report(2, 1), ORDERS, (group) => group !== 1);
    expect([...history.parts.floors]).toEqual([]);
  });

  it('is refused as a command when a field is not what it should be', () => {
    const good = record(report(1, 1));
    expect(decodeCommand(encodeCommand(good))).toEqual(good);
    const wrong: readonly Partial<Record<keyof LeadershipReport, unknown>>[] = [
      { cause: 'NOBODY_KNOWS' },
      { commitUs: 0.5 },
      { term: -1 },
      { leader: 7 },
      { detectUs: 'soon' },
    ];
    for (const fields of wrong) {
      const text = JSON.stringify({
        version: 1,
        command: { ...good, changes: [{ ...report(1, 1), ...fields }] },
      });
      expect(() => decodeCommand(new TextEncoder().encode(text))).toThrow('a cluster command');
    }
  });
});

describe('any order of reports', () => {
  const reports = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 30 }), fc.boolean()),
    { maxLength: 80 },
  );
  const commandOf = ([group, term, isWrite]: readonly [number, number, boolean]): ClusterCommand =>
    isWrite
      ? {
          kind: 'recordLeadership',
          changes: [],
          firstWrites: [{ group: asGroupId(group), term, firstWriteUs: term }],
        }
      : record(report(group, term, group % 2 === 0 ? {} : { detectUs: undefined, electUs: 5 }));

  it('leaves the same state when every report comes twice', () => {
    fc.assert(
      fc.property(reports, (all) => {
        const once = stateWith(3);
        const twice = stateWith(3);
        for (const each of all) once.apply(commandOf(each));
        for (const each of all) {
          twice.apply(commandOf(each));
          expect(twice.apply(commandOf(each)).changes).toEqual([]);
        }
        expect(twice.toJson()).toEqual(once.toJson());
      }),
    );
  });

  it('goes on from a snapshot as if there had been none', () => {
    fc.assert(
      fc.property(reports, reports, (before, after) => {
        const state = stateWith(3);
        for (const each of before) state.apply(commandOf(each));
        const copy = ClusterState.fromJson(JSON.parse(JSON.stringify(state.toJson())));
        for (const each of after) expect(copy.apply(commandOf(each))).toEqual(state.apply(commandOf(each)));
        expect(JSON.stringify(copy.toJson())).toBe(JSON.stringify(state.toJson()));
      }),
    );
  });

  it('leaves no gap behind what was dropped, and no sequence twice', () => {
    fc.assert(
      fc.property(reports, (all) => {
        const history = new LeadershipHistory({ perGroupMax: 3, changesMax: 7 });
        for (const [group, term] of all) history.record(report(group, term), ORDERS, always);
        const { lastSequence, trimmedSequence } = history;
        for (let sequence = trimmedSequence + 1; sequence <= lastSequence; sequence++) {
          expect(history.at(sequence)?.sequence).toBe(sequence);
        }
        expect(history.size).toBeLessThanOrEqual(7);
        for (let group = 0; group < 5; group++) {
          const terms = history.ofGroup(asGroupId(group)).map(({ term }) => term);
          expect(terms.length).toBeLessThanOrEqual(3);
          expect(new Set(terms).size).toBe(terms.length);
        }
        expect(historyToJson(historyFromJson(historyToJson(history)))).toEqual(historyToJson(history));
      }),
    );
  });
});
