/** Cores that are wrong about what is committed. Each has one defect; production code has none of them. */

import { decodeDeleteRecords, encodeDeleteRecords } from '../../log/delete-records.js';
import type { ProposeResult } from '../../raft/leader.js';
import type { LogObserver } from '../../raft/log.js';
import { committedIndex } from '../../raft/quorum.js';
import { Raft } from '../../raft/raft.js';
import type { Ready } from '../../raft/ready.js';
import { asLogIndex, type Entry, ENTRY_KIND, type EntryKind, type LogIndex } from '../../raft/types.js';
import { asOffset } from '../../records/offset.js';

const RECORDS_TOO_MANY = 20;

/** A leader that commits what `counted` says, and tells its followers so. */
abstract class CountsOtherwise extends Raft {
  #claimed = asLogIndex(0);

  override get commitIndex(): LogIndex {
    const real = super.commitIndex;
    return this.#claimed > real && this.#claimed <= this.lastIndex ? this.#claimed : real;
  }

  override ready(nowMs: number): Ready {
    if (this.role === 'leader') this.#claimed = this.counted();
    const ready = super.ready(nowMs);
    const { commitIndex } = this;
    const messages = ready.messages.map((message) =>
      message.kind === 'append' ? { ...message, leaderCommit: commitIndex } : message,
    );
    return { ...ready, commitIndex, messages };
  }

  protected abstract counted(): LogIndex;
}

/** Commits entries of earlier terms by counting (B17, Raft figure 8). */
export class CommitsPriorTerms extends CountsOtherwise {
  protected override counted(): LogIndex {
    const voters = [...this.progress].filter(([id]) => this.voters.includes(id));
    return committedIndex([this.durableIndex, ...voters.map(([, { match }]) => match)]);
  }
}

/** Counts learners as voters, a leader among them (thesis section 4.2.1). */
export class CountsLearners extends CountsOtherwise {
  protected override counted(): LogIndex {
    const all = [this.durableIndex, ...[...this.progress.values()].map(({ match }) => match)];
    const index = committedIndex(all);
    return this.membership.learners.length > 0 && this.termAt(index) === this.term
      ? index
      : super.commitIndex;
  }
}

/** Commits what its own disk has, whatever the others have (B15). */
export class CommitsAlone extends CountsOtherwise {
  protected override counted(): LogIndex {
    return this.durableIndex;
  }
}

/** Applies entries when they arrive, before they are committed. */
export class AppliesEarly extends Raft {
  override ready(nowMs: number): Ready {
    return { ...super.ready(nowMs), commitIndex: this.lastIndex };
  }
}

type Parts = ConstructorParameters<typeof Raft>;

/** A state machine that forgets what consumers committed, unless this replica led then (B32). */
export function newForgetsOffsets(...[config, source, recovered, observer]: Parts): Raft {
  const raft: Raft = new Raft(
    config,
    source,
    recovered,
    observer &&
      hearing(observer, (entry) => entry.kind !== ENTRY_KIND.COMMIT_OFFSETS || raft.role === 'leader'),
  );
  return raft;
}

/** A state machine that keeps deleted records, unless this replica led when they were deleted. */
export function newKeepsDeleted(...[config, source, recovered, observer]: Parts): Raft {
  const passes = (entry: Entry): boolean =>
    entry.kind !== ENTRY_KIND.DELETE_RECORDS || raft.role === 'leader';
  const raft: Raft = new Raft(config, source, recovered, observer && hearing(observer, passes));
  return raft;
}

/** A leader that deletes more records than it was asked to, or than retention allows. */
export class DeletesTooMuch extends Raft {
  override propose(kind: EntryKind, payload: Uint8Array): ProposeResult {
    if (kind !== ENTRY_KIND.DELETE_RECORDS) return super.propose(kind, payload);
    const beforeOffset = asOffset(decodeDeleteRecords(payload).beforeOffset + RECORDS_TOO_MANY);
    return super.propose(kind, encodeDeleteRecords({ beforeOffset }));
  }
}

/** A state machine that is not told of a snapshot that took the place of the log (I14). */
export function newSkipsRestores(...[config, source, recovered, observer]: Parts): Raft {
  const deaf =
    observer &&
    new Proxy(observer, {
      get(target, key) {
        if (key === 'restored') return (): void => undefined;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  return new Raft(config, source, recovered, deaf);
}

/** `observer`, which hears only of those new entries that pass. */
function hearing(observer: LogObserver, passes: (entry: Entry) => boolean): LogObserver {
  return new Proxy(observer, {
    get(target, key) {
      if (key === 'appended') {
        return (entry: Entry): void => {
          if (passes(entry)) target.appended(entry);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
