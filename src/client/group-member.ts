/**
 * A consumer as a member of its group: finds what the group has committed, stores what it has handled, and where it
 * was told to takes the group over from whoever read before.
 */
import { fromServiceError } from '../wire/status.js';
import { checkedOption } from './checked-option.js';
import { invalid } from './consumer-tracks.js';
import type { Track } from './consumer-tracks.js';
import type { Lifetime } from './lifetime.js';
import { listOffsets } from './list-offsets.js';
import { partitionName } from './metadata-cache.js';
import { commitOffsets, fetchOffsets, GENERATION_MAX } from './offsets.js';
import { pauseMs } from './retry-policy.js';
import type { Session } from './session.js';
import type { ConsumerOptions } from './types-consumer.js';
import type { CommittedOffset } from './types-base.js';
import type { StoredOffset } from './types-offsets.js';

/** Attempts to take a group over: others may do so at the same time, and one of them wins each partition. */
const CLAIMS_MAX = 5;

/** Partitions that are asked at the same time for where they begin or end. */
const LOOK_UPS_AT_ONCE = 32;

export class GroupMember {
  readonly #session: Session;
  readonly #group: string;
  readonly #tracks: ReadonlyMap<string, Track>;
  readonly #fallback: 'earliest' | 'latest';
  readonly #timeoutMs: number;
  /** The group is still to be taken over. */
  #claims: boolean;
  #generation: number | undefined;

  /** @throws BellwetherError INVALID_REQUEST when the generation is out of its bounds. */
  constructor(
    session: Session,
    group: string,
    tracks: ReadonlyMap<string, Track>,
    options: Pick<ConsumerOptions, 'generation' | 'fallback'> & { readonly timeoutMs: number },
  ) {
    const { generation, fallback = 'earliest', timeoutMs } = options;
    this.#session = session;
    this.#group = group;
    this.#tracks = tracks;
    this.#fallback = fallback;
    this.#timeoutMs = timeoutMs;
    this.#claims = generation === 'claim';
    this.#generation = generation === 'claim' ? undefined : checkedGeneration(generation);
  }

  /** Undefined for a group that counts none, and until it has been claimed. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** Learns where the group goes on, and takes it over if it is to be. To be called before anything is read. */
  async join(lifetime: Lifetime): Promise<void> {
    if (this.#claims) await this.#claim(lifetime);
    const unknown = [...this.#tracks.values()].filter(
      ({ from, position }) => from === 'committed' && position === undefined,
    );
    if (unknown.length === 0) return;
    for (const { topic, partition, offset } of await this.#fetch(lifetime, unknown)) {
      const track = this.#tracks.get(partitionName({ topic, partition }));
      if (track !== undefined) Object.assign(track, { committed: offset, from: offset });
    }
  }

  /** @throws BellwetherError FENCED_GENERATION when a later generation reads by now. */
  async store(offsets: readonly CommittedOffset[], timeoutMs: number | undefined): Promise<void> {
    if (this.#claims)
      throw invalid('the group is claimed when the iteration begins: commit then', 'generation');
    if (offsets.length === 0) return;
    await commitOffsets(this.#session, this.#group, offsets, {
      ...(timeoutMs !== undefined && { timeoutMs }),
      generation: this.#generation,
    });
    this.#stored(offsets);
  }

  /**
   * Takes every partition with the next generation, at the offset that it has. When another member does the same, or
   * it is unknown whether it was done, it is done again with the generation after that: the last one reads on.
   */
  async #claim(lifetime: Lifetime): Promise<void> {
    for (let claims = 1; ; claims += 1) {
      lifetime.check();
      const stored = await this.#fetch(lifetime, [...this.#tracks.values()]);
      const generation = stored.reduce((highest, each) => Math.max(highest, each.generation ?? -1), -1) + 1;
      const known = new Map(stored.map((each) => [partitionName(each), each.offset]));
      const offsets = await this.#placesOf(lifetime, known);
      try {
        const options = { timeoutMs: this.#timeoutMs, generation, claim: true };
        await lifetime.whileOpen(commitOffsets(this.#session, this.#group, offsets, options));
        this.#claims = false;
        this.#generation = generation;
        this.#stored(offsets);
        this.#beginAt(offsets, known);
        return;
      } catch (error) {
        const { reason, outcome } = fromServiceError(error);
        if (claims === CLAIMS_MAX || (reason !== 'FENCED_GENERATION' && outcome !== 'UNKNOWN')) throw error;
      }
      await lifetime.sleep(pauseMs(claims - 1, Math.random()));
    }
  }

  /** For each partition what is stored, or else where this consumer begins. */
  async #placesOf(lifetime: Lifetime, known: ReadonlyMap<string, number>): Promise<CommittedOffset[]> {
    const places: CommittedOffset[] = [];
    const tracks = [...this.#tracks.values()];
    for (let start = 0; start < tracks.length; start += LOOK_UPS_AT_ONCE) {
      const some = tracks.slice(start, start + LOOK_UPS_AT_ONCE).map(async (track) => {
        const offset = known.get(partitionName(track.ref)) ?? (await this.#beginningOf(lifetime, track));
        return { ...track.ref, offset };
      });
      places.push(...(await Promise.all(some)));
    }
    return places;
  }

  /** What was looked up for the claim is where the reading begins, too. */
  #beginAt(places: readonly CommittedOffset[], known: ReadonlyMap<string, number>): void {
    for (const place of places) {
      const track = this.#tracks.get(partitionName(place));
      const isAsked = track?.from !== 'committed' && known.has(partitionName(place));
      if (track !== undefined && !isAsked) track.from = place.offset;
    }
  }

  /** Where a partition of which nothing is stored is read from. */
  async #beginningOf(lifetime: Lifetime, track: Track): Promise<number> {
    const from = track.position ?? (track.from === 'committed' ? this.#fallback : track.from);
    if (typeof from === 'number') return from;
    const options = { timeoutMs: this.#timeoutMs };
    return (await lifetime.whileOpen(listOffsets(this.#session, track.ref, from, options))).offset;
  }

  #fetch(lifetime: Lifetime, tracks: readonly Track[]): Promise<StoredOffset[]> {
    const refs = tracks.map(({ ref }) => ref);
    return lifetime.whileOpen(fetchOffsets(this.#session, this.#group, refs, { timeoutMs: this.#timeoutMs }));
  }

  #stored(offsets: readonly CommittedOffset[]): void {
    for (const { offset, ...ref } of offsets) {
      const track = this.#tracks.get(partitionName(ref));
      if (track !== undefined) track.committed = offset;
    }
  }
}

function checkedGeneration(generation: number | undefined): number | undefined {
  if (generation === undefined) return undefined;
  return checkedOption('generation', generation, 0, GENERATION_MAX);
}
