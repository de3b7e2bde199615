/** What the journal should hold, written independently of it, and random writes, syncs and crashes. */
import fc from 'fast-check';

import type { RecoveredGroup } from '../../src/storage/journal-replay.js';
import type { KeepByte } from './faulty-inode.js';
import { logText, membershipsText, snapshotText } from './journal-harness.js';

/** What a group should hold: written independently of the journal. */
export interface ModelGroup {
  readonly term: number;
  readonly vote: string | undefined;
  readonly commit: number;
  /** Last index and term that the snapshot stands for, and all of it as text. */
  readonly base: { readonly index: number; readonly term: number; readonly text: string | undefined };
  /** Behind the snapshot. */
  readonly entries: readonly ModelEntry[];
}
interface ModelEntry {
  readonly term: number;
  readonly text: string;
  /** Of an entry of that kind: its voter. */
  readonly voter: string | undefined;
}
export type Model = ReadonlyMap<number, ModelGroup>;

export const EMPTY_GROUP: ModelGroup = {
  term: 0,
  vote: undefined,
  commit: 0,
  base: { index: 0, term: 0, text: undefined },
  entries: [],
};

export function lastOf({ base, entries }: ModelGroup): number {
  return base.index + entries.length;
}

/** The rule of `GroupLog.install`, in the model's words. */
export function withSnapshot(group: ModelGroup, index: number, term: number, text: string): ModelGroup {
  const at = group.entries[index - group.base.index - 1];
  const standing = index === group.base.index ? group.base : at;
  return {
    ...group,
    commit: Math.max(group.commit, index),
    base: { index, term, text },
    entries: standing?.term === term ? group.entries.slice(index - group.base.index) : [],
  };
}

export function voterAt(group: ModelGroup, index: number): string {
  const known = group.entries.slice(0, index - group.base.index).findLast(({ voter }) => voter !== undefined);
  return known?.voter ?? group.base.text?.split(/[/:]/)[2] ?? 'n0';
}

export type WriteSpec =
  | { readonly kind: 'state'; readonly group: number; readonly termUp: number; readonly vote: boolean }
  | { readonly kind: 'entries'; readonly group: number; readonly back: number; readonly sizes: number[] }
  | { readonly kind: 'compact'; readonly group: number; readonly share: number }
  | { readonly kind: 'replace'; readonly group: number; readonly ahead: number }
  | { readonly kind: 'drop'; readonly group: number };

export type Step =
  | { readonly kind: 'submit'; readonly writes: readonly WriteSpec[] }
  | { readonly kind: 'sync'; readonly times: number }
  | {
      readonly kind: 'die';
      readonly how: 'power' | 'kill' | 'syncFails';
      readonly keep: { readonly how: 'none' | 'all' | 'prefix' | 'scattered'; readonly seed: number };
      readonly keepNames: boolean;
      readonly dieInRecovery: boolean;
    };

const group = fc.integer({ min: 1, max: 3 });
const writeSpec: fc.Arbitrary<WriteSpec> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      group,
      termUp: fc.nat(2),
      vote: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('entries' as const),
      group,
      back: fc.nat(3),
      sizes: fc.array(fc.nat(300), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      group,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      group,
      ahead: fc.integer({ min: -3, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), group }) },
);
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      writes: fc.array(writeSpec, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('sync' as const), times: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('die' as const),
      how: fc.constantFrom('power' as const, 'power' as const, 'kill' as const, 'syncFails' as const),
      keep: fc.record({
        how: fc.constantFrom('none' as const, 'all' as const, 'prefix' as const, 'scattered' as const),
        seed: fc.nat(100_000),
      }),
      keepNames: fc.boolean(),
      dieInRecovery: fc.boolean(),
    }),
  },
);

export function keepByte({ how, seed }: { readonly how: string; readonly seed: number }): KeepByte {
  if (how === 'none') return () => false;
  if (how === 'all') return () => true;
  if (how === 'prefix') return (i, length) => i < seed % (length + 1);
  // Stretches of 64 bytes, so that some frames survive whole between others that do not.
  return (i) => Math.imul((i >> 6) + seed, 0x9e3779b1) < 0;
}

export function describeModel(model: Model): unknown {
  return [...model]
    .sort(([a], [b]) => a - b)
    .map(([id, { base, entries, ...state }]) => {
      const memberships = entries.flatMap(({ voter }, i) =>
        voter === undefined ? [] : [`${base.index + 1 + i}/${voter}`],
      );
      return { id, ...state, snapshot: base.text, memberships, entries: entries.map(({ text }) => text) };
    });
}

export function describeRecovered(groups: ReadonlyMap<number, RecoveredGroup>): unknown {
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([id, { hardState: state, log }]) => ({
      id,
      term: state.term,
      vote: state.votedFor,
      commit: state.commit,
      snapshot: snapshotText(log),
      memberships: membershipsText(log),
      entries: logText(log),
    }));
}
