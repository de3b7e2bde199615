/**
 * Offset commits that the leader of a partition has under way: the log decides each as it is applied, in
 * order with all others, and here its proposer hears what became of it.
 */

import { BellwetherError } from '../errors.js';
import { encodeOffsetCommit, type OffsetCommit } from '../log/offset-commit.js';
import type { CommitSettlement } from '../log/group-offset.js';
import { ENTRY_KIND, type LogIndex } from '../raft/types.js';
import type { Clock } from './clock.js';
import { append, committed, leadershipLost, type Proposal } from './proposals.js';
import type { Subject } from './refusals.js';

/** As a member of the group asks for it: the leader says when that was. */
export type RequestedCommit = Omit<OffsetCommit, 'committedAtMs'>;

/** Where the settlement of a commit of this broker goes. */
interface Slot {
  settlement: CommitSettlement | undefined;
}

export class OffsetCommits {
  readonly #clock: Clock;
  /** By index; a newer commit takes the place of one that was lost at the same index. */
  readonly #slots = new Map<LogIndex, Slot>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in what the log came to when it applied a commit, whoever proposed it. */
  readonly settled = (settlement: CommitSettlement): void => {
    const slot = this.#slots.get(settlement.index);
    if (slot !== undefined) slot.settlement = settlement;
  };

  /**
   * Appends a commit and resolves with its index once it took effect. `woken` must have the group driven.
   *
   * @throws BellwetherError FENCED_GENERATION (NOT_APPLIED); LEADERSHIP_LOST (UNKNOWN) also when the state has
   * come from another leader's snapshot meanwhile, which does not tell; or as a produce with acks all.
   */
  async commit(
    proposalOf: (kind: typeof ENTRY_KIND.COMMIT_OFFSETS, payload: Uint8Array) => Proposal,
    commit: RequestedCommit,
    timeoutMs: number,
    woken: () => void,
  ): Promise<LogIndex> {
    // A clock may tell fractions of a millisecond, or a time before 1970.
    const committedAtMs = Math.max(0, Math.floor(this.#clock.wallMs()));
    const payload = encodeOffsetCommit({ ...commit, committedAtMs });
    const proposal = proposalOf(ENTRY_KIND.COMMIT_OFFSETS, payload);
    const appended = append(proposal);
    const { index } = appended;
    const slot: Slot = { settlement: undefined };
    this.#slots.set(index, slot);
    woken();
    try {
      await committed(this.#clock, proposal, appended, timeoutMs);
    } finally {
      if (this.#slots.get(index) === slot) this.#slots.delete(index);
    }
    if (slot.settlement === undefined) throw leadershipLost(proposal.subject, {});
    const { fencedBy } = slot.settlement;
    if (fencedBy !== undefined) throw fenced(proposal.subject, commit, fencedBy);
    return index;
  }
}

function fenced({ topic, partition }: Subject, commit: RequestedCommit, stored: number): BellwetherError {
  const { group, generation, claim } = commit;
  const given = generation === undefined ? 'no generation' : `generation ${String(generation)}`;
  return new BellwetherError(
    'FENCED_GENERATION',
    `group ${group} has generation ${String(stored)} in ${topic}/${String(partition)}: ${given} may not ` +
      `${claim ? 'be claimed' : 'commit'} any more`,
    {
      metadata: {
        topic,
        partition: String(partition),
        group,
        stored_generation: String(stored),
        ...(generation !== undefined && { generation: String(generation) }),
      },
    },
  );
}
