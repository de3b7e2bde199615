/** Where requests go: to any broker, or to the leader of a partition. */
import { GRPC_CODE } from '../error-row.js';
import { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import type { BrokerDirectory } from './broker-directory.js';
import type { Asked } from './attempt.js';
import type { LeaderProbe } from './leader-probe.js';
import { partitionName } from './metadata-cache.js';
import type { CachedLeader, MetadataCache } from './metadata-cache.js';
import type { Route } from './retry.js';
import { isBrokerUnusable, isLeaderDoubtful } from './retry-policy.js';
import type { NamedLeader } from './leader-lookups.js';
import type { PartitionRef } from './types.js';

/** What the routes of one client share. */
export interface RouteContext {
  readonly directory: BrokerDirectory;
  readonly cache: MetadataCache;
  readonly probe: LeaderProbe;
  /**
   * Asks one broker, once, who leads; the broker waits while an election runs. When it is silent others are
   * asked too, and a leader that they name is in the cache once this has failed.
   */
  lookUpLeader(ref: PartitionRef, address: string, timeoutMs: number): Promise<NamedLeader>;
}

/** Any broker, one after the other as they fail; `avoid` only when there is no other. */
export function anyBroker({ directory, cache }: RouteContext, avoid?: string): Route {
  return {
    get brokerCount() {
      return directory.size;
    },
    next: () => Promise.resolve(directory.pick(avoid)),
    failed(address, error) {
      if (address === undefined) return;
      moveOn(directory, address, error);
      if (isBrokerUnusable(error)) cache.forgetBroker(address);
    },
  };
}

/**
 * What is to be done where no leader is remembered.
 * - `leader`: look it up.
 * - `leader_or_any`: look it up; when no broker can name one, ask one that said so. Any replica serves
 *   reads of committed records then.
 * - `any`: do not look it up; any broker will do.
 */
export type Preference = 'leader' | 'leader_or_any' | 'any';

/** The leader of a partition: the one remembered, else the one that some broker names. */
export function leaderOf(context: RouteContext, ref: PartitionRef, preference: Preference = 'leader'): Route {
  const { directory, cache } = context;
  const allowFollower = preference === 'any';
  /** Look-ups of this call that named no leader, and a broker that answered so. */
  let lookUpsInVain = 0;
  let leaderless: string | undefined;
  /** The broker that failed last: not the one to say who leads. */
  let failedAt: string | undefined;
  let leader: Asked | undefined;
  const asLeader = ({ address, term }: CachedLeader): string => {
    leader = { ref, address, term };
    return address;
  };
  return {
    get brokerCount() {
      return directory.size;
    },
    get asked() {
      return leader;
    },
    async next(timeoutMs) {
      leader = undefined;
      const known = cache.leader(ref);
      if (known !== undefined)
        return asLeader(known.doubted === true ? await confirmed(context, ref, known, timeoutMs) : known);
      if (allowFollower) return directory.pick();
      const asked = directory.pick(failedAt);
      try {
        return asLeader(await lookUp(context, ref, asked, timeoutMs));
      } catch (error) {
        lookUpsInVain += 1;
        if (fromServiceError(error).reason === 'NO_LEADER') leaderless = asked;
        const nobodyKnows = lookUpsInVain >= directory.size;
        if (preference === 'leader_or_any' && nobodyKnows && leaderless !== undefined) return leaderless;
        throw error;
      }
    },
    failed(address, error) {
      if (address === undefined) return; // The look-up failed and has moved on already.
      failedAt = address;
      if (isBrokerUnusable(error)) cache.forgetBroker(address);
      if (isBrokerUnusable(error) || allowFollower) moveOn(directory, address, error);
      if (error.leaderHint !== undefined && cache.adopt(ref, error.leaderHint)) return;
      if (isLeaderDoubtful(error)) cache.doubt(ref, address);
      // No hint, or one that is no newer: only a look-up can tell (AutoMQ PR #3546).
      if (!isStale(error) || cache.leader(ref)?.address !== address) return;
      cache.forget(ref);
      directory.failed(address); // Another one is asked first, by later calls too: this one may be cut off.
    },
  };
}

/** True when the broker asked is not the one to ask again about this partition. */
function isStale({ row, reason }: BellwetherError): boolean {
  return row.retry === 'refresh_metadata' || reason === 'LEADERSHIP_LOST' || row.code === GRPC_CODE.NOT_FOUND;
}

/** The leader to ask though it was doubted: another broker has been asked whether there is a newer one. */
async function confirmed(
  context: RouteContext,
  ref: PartitionRef,
  known: CachedLeader,
  timeoutMs: number,
): Promise<CachedLeader> {
  // At most half of what is left: the request itself needs time for an answer.
  await context.probe.ask(ref, known.address, timeoutMs / 2);
  context.cache.doubt(ref, known.address, false);
  return context.cache.leader(ref) ?? known;
}

async function lookUp(
  context: RouteContext,
  ref: PartitionRef,
  asked: string,
  timeoutMs: number,
): Promise<CachedLeader> {
  const { directory, cache } = context;
  try {
    const { leaderAddress, term } = await context.lookUpLeader(ref, asked, timeoutMs);
    cache.adopt(ref, { address: leaderAddress, term });
    const leader = cache.leader(ref);
    if (leader !== undefined) return leader;
    throw new BellwetherError(
      'NO_LEADER',
      `broker at ${asked} knows no address of the leader of ${partitionName(ref)}`,
    );
  } catch (error) {
    const failure = fromServiceError(error);
    moveOn(directory, asked, failure);
    const leader = cache.leader(ref);
    if (leader !== undefined) return leader; // Somebody else knew.
    throw neverSent(ref, failure);
  }
}

/** Asks another broker next where that can help: this one may be down, or cut off from the others. */
function moveOn(directory: BrokerDirectory, address: string, { row }: BellwetherError): void {
  if (row.retry === 'refresh_metadata' || row.retry === 'unknown_outcome') directory.failed(address);
}

/** Whatever became of the look-up, the request that it was for has not been sent. */
function neverSent(ref: PartitionRef, error: BellwetherError): BellwetherError {
  if (error.outcome === 'NOT_APPLIED') return error;
  const message = `could not learn who leads ${partitionName(ref)}: ${error.message}`;
  return new BellwetherError('CONNECTION_FAILED', message, { metadata: error.metadata, cause: error });
}
