import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import type { Journal, JournalWrite } from '../../src/storage/journal.js';
import type { RecoveredGroup } from '../../src/storage/journal-replay.js';
import { FaultyDisk, type KeepByte, settle } from './faulty-file-system.js';
import { entry, GroupWriter, hardState, logText, openJournal } from './journal-harness.js';

/** What a group should hold: written independently of the journal. */
interface ModelGroup {
  readonly term: number;
  readonly vote: string | undefined;
  readonly commit: number;
  readonly entries: readonly string[];
}
type Model = ReadonlyMap<number, ModelGroup>;

const EMPTY_GROUP: ModelGroup = { term: 0, vote: undefined, commit: 0, entries: [] };

type WriteSpec =
  | { readonly kind: 'state'; readonly group: number; readonly termUp: number; readonly vote: boolean }
  | { readonly kind: 'entries'; readonly group: number; readonly back: number; readonly sizes: number[] }
  | { readonly kind: 'drop'; readonly group: number };

type Step =
  | { readonly kind: 'submit'; readonly writes: readonly WriteSpec[] }
  | { readonly kind: 'sync' }
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), group }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      writes: fc.array(writeSpec, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'sync' as const }) },
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

function keepByte({ how, seed }: { readonly how: string; readonly seed: number }): KeepByte {
  if (how === 'none') return () => false;
  if (how === 'all') return () => true;
  if (how === 'prefix') return (i, length) => i < seed % (length + 1);
  // Stretches of 64 bytes, so that some frames survive whole between others that do not.
  return (i) => Math.imul((i >> 6) + seed, 0x9e3779b1) < 0;
}

function describeModel(model: Model): unknown {
  return [...model].sort(([a], [b]) => a - b);
}

function describeRecovered(groups: ReadonlyMap<number, RecoveredGroup>): unknown {
  const model = new Map<number, ModelGroup>();
  for (const [id, { hardState: state, log }] of groups) {
    model.set(id, { term: state.term, vote: state.votedFor, commit: state.commit, entries: logText(log) });
  }
  return describeModel(model);
}

/** Drives a journal and its model side by side. */
class Run {
  readonly #disk = new FaultyDisk();
  readonly #cacheBytes: number;
  /** The model after each frame that was ever submitted, since the last recovery; first before any. */
  #history: Model[] = [new Map()];
  /** `#framesAt[s]`: how many frames there were after submission s. */
  #framesAt: number[] = [0];
  #journal: Journal | undefined;
  #writers = new Map<number, GroupWriter>();
  #recovered: ReadonlyMap<number, RecoveredGroup> = new Map();
  #payloadSeed = 0;

  constructor(cacheBytes: number) {
    this.#cacheBytes = cacheBytes;
  }

  async step(todo: Step): Promise<void> {
    this.#journal ??= await this.#reopen();
    if (todo.kind === 'submit') this.#submit(this.#journal, todo.writes);
    else if (todo.kind === 'sync') this.#disk.releaseSyncs();
    else await this.#die(todo);
    await settle();
  }

  async #reopen(): Promise<Journal> {
    this.#disk.holdSyncs = false;
    const { journal, groups } = await this.#open();
    this.#disk.holdSyncs = true;
    this.#recovered = groups;
    this.#writers = new Map();
    return journal;
  }

  #open() {
    const options = { fileBytes: 5500, preallocateBytes: 512, cacheBytes: this.#cacheBytes };
    return openJournal(this.#disk, options);
  }

  #submit(journal: Journal, specs: readonly WriteSpec[]): void {
    const writes: JournalWrite[] = [];
    for (const spec of specs) {
      const model = this.#history.at(-1) ?? new Map<number, ModelGroup>();
      const known = model.get(spec.group) ?? EMPTY_GROUP;
      if (spec.kind === 'drop') {
        if (!model.has(spec.group)) continue;
        writes.push({ kind: 'dropGroup', group: asGroupId(spec.group) });
        this.#writers.delete(spec.group);
        this.#recovered = new Map([...this.#recovered].filter(([id]) => id !== spec.group));
        const next = new Map(model);
        next.delete(spec.group);
        this.#history.push(next);
        // A writer for the same number may follow only in a later submission: the group is gone then.
        break;
      }
      if (spec.kind === 'state') {
        const term = known.term + spec.termUp;
        const vote = spec.termUp === 0 ? known.vote : spec.vote ? 'b1' : undefined;
        // The hint may be ahead of the log: the journal lowers it.
        const last = known.entries.length;
        this.#writer(journal, spec.group);
        writes.push({
          kind: 'hardState',
          group: asGroupId(spec.group),
          state: hardState(term, vote, Math.max(known.commit, last - 1)),
        });
        this.#push(model, spec.group, { ...known, term, vote, commit: Math.max(known.commit, last - 1) });
        continue;
      }
      if (known.term === 0) continue;
      const first = Math.max(known.commit + 1, known.entries.length + 1 - spec.back);
      const entries = spec.sizes.map((size, i) => {
        this.#payloadSeed += 1;
        return entry(first + i, known.term, new Uint8Array(size).fill(this.#payloadSeed));
      });
      this.#writer(journal, spec.group).log.append(entries);
      writes.push({ kind: 'entries', group: asGroupId(spec.group), entries });
      let next = { ...known, entries: known.entries.slice(0, first - 1) };
      for (const { index, term, kind, payload } of entries) {
        const text = `${index}/${term}/${kind}:${Buffer.from(payload).toString('latin1')}`;
        next = { ...next, entries: [...next.entries, text] };
        this.#push(model, spec.group, next);
      }
    }
    const sequence = journal.submit(writes);
    expect(sequence).toBe(this.#framesAt.length);
    this.#framesAt.push(this.#history.length - 1);
  }

  #writer(journal: Journal, id: number): GroupWriter {
    const known = this.#writers.get(id);
    if (known !== undefined) return known;
    const writer = new GroupWriter(journal, id, this.#recovered.get(id));
    this.#writers.set(id, writer);
    return writer;
  }

  #push(before: Model, id: number, state: ModelGroup): void {
    this.#history.push(new Map([...before, [id, state]]));
  }

  async #die(todo: Extract<Step, { kind: 'die' }>): Promise<void> {
    const acknowledged = this.#framesAt[this.#journal?.durableSequence ?? 0] ?? 0;
    const die = (): void => {
      if (todo.how === 'kill') this.#disk.kill();
      else this.#disk.crash(keepByte(todo.keep), () => todo.keepNames);
    };
    if (todo.how === 'syncFails') {
      this.#disk.failNextSync('EIO');
      this.#disk.releaseSyncs();
      await settle();
      expect(this.#framesAt[this.#journal?.durableSequence ?? 0]).toBe(acknowledged);
      // Restarted without a loss of power first: what it reads then must be there for good.
      this.#disk.kill();
    } else die();
    if (todo.dieInRecovery) {
      this.#disk.holdSyncs = true;
      void this.#open();
      await settle();
      die();
    }
    this.#journal = await this.#reopen();
    const found = JSON.stringify(describeRecovered(this.#recovered));
    const matches = this.#history.findIndex(
      (model, frames) => frames >= acknowledged && JSON.stringify(describeModel(model)) === found,
    );
    const what = `a prefix of ${this.#history.length - 1} frames, of which ${acknowledged} were acknowledged`;
    expect(matches, `${what}; found ${found}`).toBeGreaterThanOrEqual(0);
    this.#history = [this.#history[matches] ?? new Map<number, ModelGroup>()];
    this.#framesAt = [0];
  }
}

describe('the journal under crashes', () => {
  it('recovers exactly a prefix that holds everything acknowledged (I1, I2, I23)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(0, 1_000_000),
        async (steps, cacheBytes) => {
          const run = new Run(cacheBytes);
          for (const todo of steps) await run.step(todo);
          await run.step({
            kind: 'die',
            how: 'power',
            keep: { how: 'none', seed: 0 },
            keepNames: false,
            dieInRecovery: false,
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});
