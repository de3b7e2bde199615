import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { asGroupId, ENTRY_KIND } from '../../src/raft/types.js';
import type { Journal, JournalWrite } from '../../src/storage/journal.js';
import type { RecoveredGroup } from '../../src/storage/journal-replay.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  entry,
  GroupWriter,
  hardState,
  logText,
  membershipEntry,
  openJournal,
  snapshotOf,
} from './journal-harness.js';
import {
  describeModel,
  describeRecovered,
  EMPTY_GROUP,
  keepByte,
  lastOf,
  type Model,
  type ModelGroup,
  step,
  type Step,
  voterAt,
  withSnapshot,
  type WriteSpec,
} from './journal-model.js';

/** Drives a journal and its model side by side. */
class Run {
  readonly #disk = new FaultyDisk();
  readonly #cacheBytes: number;
  readonly #checkpointFiles: number;
  /** The model after each frame that was ever submitted, since the last recovery; first before any. */
  #history: Model[] = [new Map()];
  /** `#framesAt[s]`: how many frames there were after submission s. */
  #framesAt: number[] = [0];
  #journal: Journal | undefined;
  #writers = new Map<number, GroupWriter>();
  #recovered: ReadonlyMap<number, RecoveredGroup> = new Map();
  #payloadSeed = 0;

  constructor(cacheBytes: number, checkpointFiles: number) {
    this.#cacheBytes = cacheBytes;
    this.#checkpointFiles = checkpointFiles;
  }

  async step(todo: Step): Promise<void> {
    this.#journal ??= await this.#reopen();
    if (todo.kind === 'submit') this.#submit(this.#journal, todo.writes);
    else if (todo.kind === 'sync') await this.#sync(todo.times);
    else await this.#die(todo);
    await settle();
  }

  /** One after the other, those of checkpoints too: any of them may be the last before a crash. */
  async #sync(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.#disk.releaseSyncs();
      await settle();
    }
    this.#checkReadable();
  }

  /** Wherever its entries stand now, the log of a running journal reads as what was written. */
  #checkReadable(): void {
    if (this.#journal?.failure !== undefined) return;
    for (const [id, { log }] of this.#writers) {
      const written =
        this.#history
          .at(-1)
          ?.get(id)
          ?.entries.map(({ text }) => text) ?? [];
      expect(logText(log)).toEqual(written);
    }
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
    return openJournal(this.#disk, {
      fileBytes: 5500,
      segmentBytes: 700,
      preallocateBytes: 512,
      cacheBytes: this.#cacheBytes,
      checkpointFiles: this.#checkpointFiles,
    });
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
      if (spec.kind !== 'state' && known.term === 0) continue;
      if (spec.kind === 'state') writes.push(this.#state(journal, model, known, spec));
      else if (spec.kind === 'entries') writes.push(this.#entries(journal, model, known, spec));
      else writes.push(...this.#snapshot(journal, model, known, spec));
    }
    const sequence = journal.submit(writes);
    expect(sequence).toBe(this.#framesAt.length);
    this.#framesAt.push(this.#history.length - 1);
  }

  #state(
    journal: Journal,
    model: Model,
    known: ModelGroup,
    spec: WriteSpec & { kind: 'state' },
  ): JournalWrite {
    const term = known.term + spec.termUp;
    const vote = spec.termUp === 0 ? known.vote : spec.vote ? 'b1' : undefined;
    const commit = Math.max(known.commit, lastOf(known) - 1);
    this.#writer(journal, spec.group);
    this.#push(model, spec.group, { ...known, term, vote, commit });
    return { kind: 'hardState', group: asGroupId(spec.group), state: hardState(term, vote, commit) };
  }

  #entries(
    journal: Journal,
    model: Model,
    known: ModelGroup,
    spec: WriteSpec & { kind: 'entries' },
  ): JournalWrite {
    const first = Math.max(known.commit + 1, lastOf(known) + 1 - spec.back);
    const entries = spec.sizes.map((size, i) => {
      this.#payloadSeed += 1;
      // Now and then a change of the members.
      if (size % 7 === 0) return membershipEntry(first + i, known.term, `n${this.#payloadSeed}`);
      return entry(first + i, known.term, new Uint8Array(size).fill(this.#payloadSeed));
    });
    this.#writer(journal, spec.group).log.append(entries);
    let next = { ...known, entries: known.entries.slice(0, first - known.base.index - 1) };
    for (const { index, term, kind, payload } of entries) {
      const content = Buffer.from(payload).toString('latin1');
      const voter = kind === ENTRY_KIND.MEMBERSHIP ? content.split(';')[1] : undefined;
      const text = `${index}/${term}/${kind}:${content}`;
      next = { ...next, entries: [...next.entries, { term, text, voter }] };
      this.#push(model, spec.group, next);
    }
    return { kind: 'entries', group: asGroupId(spec.group), entries };
  }

  #snapshot(
    journal: Journal,
    model: Model,
    known: ModelGroup,
    spec: WriteSpec & { kind: 'compact' | 'replace' },
  ): JournalWrite[] {
    const { base } = known;
    const last = lastOf(known);
    let index = base.index + Math.round((spec.kind === 'compact' ? spec.share : 1) * (last - base.index));
    let term = known.entries[index - base.index - 1]?.term ?? base.term;
    if (spec.kind === 'replace') {
      index = Math.max(known.commit + 1, last + spec.ahead);
      term = known.term;
    }
    if (index === 0) return [];
    const voter = voterAt(known, index);
    this.#payloadSeed += 1;
    const snapshot = snapshotOf(index, term, `state${this.#payloadSeed}`, voter);
    this.#writer(journal, spec.group).log.install(snapshot);
    const text = `${index}/${term}/${voter}:state${this.#payloadSeed}`;
    this.#push(model, spec.group, withSnapshot(known, index, term, text));
    return [{ kind: 'snapshot', group: asGroupId(spec.group), snapshot }];
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
    let acknowledged = this.#framesAt[this.#journal?.durableSequence ?? 0] ?? 0;
    const die = (): void => {
      if (todo.how === 'kill') this.#disk.kill();
      else this.#disk.crash(keepByte(todo.keep), () => todo.keepNames);
    };
    if (todo.how === 'syncFails') {
      this.#disk.failNextSync('EIO');
      this.#disk.releaseSyncs();
      await settle();
      const after = this.#framesAt[this.#journal?.durableSequence ?? 0] ?? 0;
      // With checkpoints, the sync that failed may have been that of a segment.
      if (this.#checkpointFiles === Infinity) expect(after).toBe(acknowledged);
      acknowledged = after;
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
        fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
        fc.constantFrom(0, 1_000_000),
        fc.constantFrom(1, 2, Infinity),
        async (steps, cacheBytes, checkpointFiles) => {
          const run = new Run(cacheBytes, checkpointFiles);
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
