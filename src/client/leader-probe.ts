/**
 * Asks other brokers who leads a partition whose leader does not answer, or hears from no quorum; and decides
 * which attempts at the old leader are in vain.
 */
import type { LeaderHint } from '../errors.js';
import type { Attempt } from './attempt.js';
import type { BrokerDirectory } from './broker-directory.js';
import type { PartitionLeader } from './leadership-types.js';
import { partitionName } from './metadata-cache.js';
import type { MetadataCache } from './metadata-cache.js';
import { LAST_WORD_MS, PROBE_TIMEOUT_MS } from './probe-policy.js';
import type { BrokerInfo } from './types-cluster.js';
import type { PartitionRef } from './types.js';

/** What a probe needs of its client. */
export interface ProbeContext {
  readonly directory: BrokerDirectory;
  readonly cache: MetadataCache;
  /** Asks one broker, once, who leads. */
  askLeader(ref: PartitionRef, address: string, timeoutMs: number): Promise<PartitionLeader>;
  /** Asks one broker, once, which brokers there are, and which of them it hears from. */
  askBrokers(address: string, timeoutMs: number): Promise<readonly BrokerInfo[]>;
}

/** Who leads, and which broker says so. */
interface News {
  readonly leader: LeaderHint;
  readonly by: string;
}

/** The probes of one client; at most one for each partition is under way. */
export class LeaderProbe {
  readonly #context: ProbeContext;
  readonly #asking = new Map<string, Promise<News | undefined>>();
  readonly #askingBrokers = new Map<string, Promise<readonly BrokerInfo[]>>();
  /** Turns to another broker with each probe: the one asked last may be cut off too. */
  #turn = 0;

  constructor(context: ProbeContext) {
    this.#context = context;
  }

  /**
   * Asks one other broker than `avoid` who leads, and remembers a leader of a newer term. Resolves with what it
   * said; undefined when it could not tell, or there is no other. Never rejects.
   */
  ask(ref: PartitionRef, avoid: string, timeoutMs = PROBE_TIMEOUT_MS): Promise<News | undefined> {
    const name = partitionName(ref);
    const underWay = this.#asking.get(name);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(ref, avoid, Math.min(timeoutMs, PROBE_TIMEOUT_MS)).finally(() =>
      this.#asking.delete(name),
    );
    this.#asking.set(name, asked);
    return asked;
  }

  /**
   * Asks about attempts at one partition, and gives up those in vain. `overdue` tells which they are, also once
   * the answer has come. Never rejects.
   */
  async about(ref: PartitionRef, overdue: () => readonly Attempt[]): Promise<void> {
    const avoid = newestOf(overdue())?.asked.address;
    if (avoid === undefined) return;
    const news = await this.ask(ref, avoid);
    if (news === undefined) return;
    const outdated = overdue().filter((attempt) => attempt.isOutdatedBy(news.leader));
    const writes = outdated.filter(({ effect }) => effect === 'write');
    for (const attempt of outdated) if (attempt.effect !== 'write') this.#giveUp(attempt, news);
    if (writes.length === 0) return;
    const brokers = await this.#brokersBy(news.by);
    for (const write of writes) if (isInVain(write, brokers)) this.#giveUp(write, news);
  }

  async #ask(ref: PartitionRef, avoid: string, timeoutMs: number): Promise<News | undefined> {
    const { directory, cache } = this.#context;
    const by = directory.other(avoid, this.#turn);
    this.#turn += 1;
    if (by === undefined) return undefined;
    try {
      const { leader, leaderAddress, term } = await this.#context.askLeader(ref, by, timeoutMs);
      if (leaderAddress === '') return undefined;
      const hint = { leader, address: leaderAddress, term };
      cache.adopt(ref, hint);
      return { leader: hint, by };
    } catch {
      return undefined; // The next probe goes to the next broker.
    }
  }

  /** One question at a time to one broker, whatever the number of partitions that have lost their leader. */
  #brokersBy(address: string): Promise<readonly BrokerInfo[]> {
    const underWay = this.#askingBrokers.get(address);
    if (underWay !== undefined) return underWay;
    const asked = this.#context
      .askBrokers(address, PROBE_TIMEOUT_MS)
      .catch((): readonly BrokerInfo[] => [])
      .finally(() => this.#askingBrokers.delete(address));
    this.#askingBrokers.set(address, asked);
    return asked;
  }

  /** What cost one partition a wait shall not cost the others that are led there. */
  #giveUp(attempt: Attempt, { leader }: News): void {
    const { directory, cache } = this.#context;
    const { address, term } = attempt.asked;
    directory.failed(address);
    if (term !== undefined) cache.forgetBroker(address);
    attempt.giveUp(leader);
  }
}

/** The attempt at the newest leader: older ones are outdated by it already. */
function newestOf(attempts: readonly Attempt[]): Attempt | undefined {
  const terms = attempts.map(({ asked }) => asked.term ?? 0);
  return attempts[terms.indexOf(Math.max(...terms))];
}

/**
 * True when nothing is to be hoped for from the broker asked. A write that it may have taken ends with an unknown
 * outcome then; so while the others hear from it, it may have its say.
 */
function isInVain(write: Attempt, brokers: readonly BrokerInfo[]): boolean {
  const nowMs = performance.now();
  write.newerSinceMs ??= nowMs;
  if (nowMs - write.newerSinceMs >= LAST_WORD_MS) return true;
  return brokers.some(({ address, alive }) => address === write.asked.address && !alive);
}
