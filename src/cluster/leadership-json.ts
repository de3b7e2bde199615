/** The history of leadership as plain data, for snapshots of group 0: lists, as there are many. Pure. */

import { invariant } from '../invariant.js';
import { asGroupId } from '../raft/types.js';
import { isLeadershipReport, type LeadershipChange } from './leadership-change.js';
import { LeadershipHistory } from './leadership-history.js';

/** The values of a change, in the order of `changeToJson`; null where there is none. */
type ChangeJson = readonly (string | number | null)[];

export interface LeadershipHistoryJson {
  readonly last: number;
  readonly trimmed: number;
  /** Pairs of group and term. */
  readonly floors: readonly (readonly number[])[];
  readonly changes: readonly ChangeJson[];
}

export function historyToJson(history: LeadershipHistory): LeadershipHistoryJson {
  const { lastSequence, trimmedSequence, floors, changes } = history.parts;
  return {
    last: lastSequence,
    trimmed: trimmedSequence,
    floors: [...floors],
    changes: Array.from(changes, changeToJson),
  };
}

/** Reads what `historyToJson` made. Anything else breaks an invariant: its checksum was right. */
export function historyFromJson(json: unknown): LeadershipHistory {
  invariant(typeof json === 'object' && json !== null, 'a history of leadership is whole');
  const { last, trimmed, floors, changes } = json as Readonly<Record<string, unknown>>;
  invariant(Array.isArray(floors) && Array.isArray(changes), 'a history of leadership is whole');
  return LeadershipHistory.of({
    lastSequence: count(last),
    trimmedSequence: count(trimmed),
    floors: floors.map((each: unknown) => {
      invariant(Array.isArray(each), 'a floor is a pair');
      return [asGroupId(count(each[0])), count(each[1])] as const;
    }),
    changes: changes.map(changeFromJson),
  });
}

function changeToJson(change: LeadershipChange): ChangeJson {
  const { sequence, topic, partition, group, term, leader, previousLeader, previousTerm, cause } = change;
  const { changedAtMs, detectUs, electUs, commitUs, blockedUs, firstWriteUs } = change;
  return [
    ...[sequence, topic, partition, group, term, leader, previousLeader, previousTerm, cause],
    ...[changedAtMs, detectUs ?? null, electUs ?? null, commitUs, blockedUs ?? null, firstWriteUs ?? null],
  ];
}

function changeFromJson(json: unknown): LeadershipChange {
  invariant(Array.isArray(json), 'a change of leadership is a list');
  const values: readonly unknown[] = json;
  const [sequence, topic, partition, group, term, leader, previousLeader, previousTerm, cause] = values;
  const optional = (at: number): unknown => values[at] ?? undefined;
  const report = {
    ...{ group, term, leader, previousLeader, previousTerm, cause },
    changedAtMs: values[9],
    detectUs: optional(10),
    electUs: optional(11),
    commitUs: values[12],
    blockedUs: optional(13),
  };
  invariant(isLeadershipReport(report) && typeof topic === 'string', 'a change of leadership is whole');
  const wrote = optional(14);
  const firstWriteUs = wrote === undefined ? undefined : count(wrote);
  return { ...report, sequence: count(sequence), topic, partition: count(partition), firstWriteUs };
}

function count(json: unknown): number {
  invariant(typeof json === 'number', 'a history of leadership is whole', { found: typeof json });
  return json;
}
