/** Makes the groups of a broker, from what a restart recovered or afresh. */

import { DEFAULT_RAFT_TUNING, type RaftTuning } from '../raft/config.js';
import type { LogObserver } from '../raft/log.js';
import { Raft } from '../raft/raft.js';
import { asLogIndex, type BrokerId, type GroupId, type LogIndex } from '../raft/types.js';
import type { GroupLog } from '../storage/group-log.js';
import type { RecoveredGroup } from '../storage/journal-replay.js';
import type { Journal } from '../storage/journal.js';
import type { Clock } from './clock.js';
import { GroupHost, type GroupMachine } from './group-host.js';

/** Bytes that are read at a time when a state machine is rebuilt. */
const REPLAY_CHUNK_BYTES = 4_194_304;

/** Makes a core, as its constructor does. */
export type RaftFactory = (...parts: ConstructorParameters<typeof Raft>) => Raft;

export interface GroupSpec {
  /** The voters that the group was made with, the preferred leader first; empty when none is known. */
  readonly voters: readonly BrokerId[];
  /** As in RaftConfig. */
  readonly votesFrom: LogIndex;
  readonly machine: GroupMachine;
  /** Write the commit index by itself too; for rarely written groups. */
  readonly persistCommit: boolean;
}

export class GroupFactory {
  readonly #self: BrokerId;
  readonly #clock: Clock;
  readonly #journal: Journal;
  /** What the disk holds of groups that were not made yet. */
  readonly #recovered: Map<GroupId, RecoveredGroup>;
  readonly #tuning: RaftTuning;
  readonly #newRaft: RaftFactory;
  readonly #mayLead: () => boolean;

  /** @param mayLead As in RaftConfig. */
  constructor(
    self: BrokerId,
    parts: {
      readonly clock: Clock;
      readonly journal: Journal;
      readonly recovered: ReadonlyMap<GroupId, RecoveredGroup>;
      readonly newRaft?: RaftFactory | undefined;
    },
    tuning: Partial<RaftTuning> | undefined,
    mayLead: () => boolean,
  ) {
    this.#self = self;
    this.#clock = parts.clock;
    this.#journal = parts.journal;
    this.#recovered = new Map(parts.recovered);
    this.#mayLead = mayLead;
    this.#tuning = { ...DEFAULT_RAFT_TUNING, ...tuning };
    this.#newRaft = parts.newRaft ?? ((...core) => new Raft(...core));
  }

  /** What the disk holds of groups that were not made since the start. */
  get unclaimed(): ReadonlyMap<GroupId, unknown> {
    return this.#recovered;
  }

  /** Lets a group of the disk go that will not be made. False when there is none. */
  forget(id: GroupId): boolean {
    return this.#recovered.delete(id);
  }

  create(id: GroupId, { voters, votesFrom, machine, persistCommit }: GroupSpec): GroupHost {
    const recovered = this.#recovered.get(id);
    this.#recovered.delete(id);
    const log = recovered?.log ?? this.#journal.createGroupLog(id);
    if (log.snapshot !== undefined) machine.restored(log.snapshot);
    const state = recovered?.machine;
    const resumedAt = state && machine.resumed?.(state);
    const appliedIndex = asLogIndex(Math.max(log.firstIndex - 1, resumedAt ?? 0));
    replay(log, machine, asLogIndex(appliedIndex + 1));
    const raft = this.#newRaft(
      {
        id: this.#self,
        voters,
        votesFrom,
        persistCommit,
        tuning: this.#tuning,
        mayLead: this.#mayLead,
        random: () => this.#clock.random(),
      },
      log,
      recovered && { hardState: recovered.hardState, log },
      machine,
    );
    return new GroupHost(id, raft, log, machine, appliedIndex);
  }
}

/** Feeds a recovered log to its state machine; what is committed is applied when the core says so. */
function replay(log: GroupLog, machine: LogObserver, from: LogIndex): void {
  let next = from;
  while (next <= log.lastIndex) {
    const entries = log.entries(next, asLogIndex(log.lastIndex + 1), REPLAY_CHUNK_BYTES);
    for (const entry of entries) machine.appended(entry);
    next = asLogIndex(next + entries.length);
  }
}
