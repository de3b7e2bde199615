/** What the parts of one client share: its brokers, its cache, its life, and how a call is made. */
import { AdminServiceService } from '../../gen/bellwether/v1/admin_service.js';
import { MetadataServiceService } from '../../gen/bellwether/v1/metadata_service.js';
import { PartitionServiceService } from '../../gen/bellwether/v1/partition_service.js';
import { fromServiceError } from '../wire/status.js';
import type { Asked, Attempt } from './attempt.js';
import { BrokerDirectory } from './broker-directory.js';
import { BrokerPool, dialled } from './broker-pool.js';
import type { Connection } from './broker-pool.js';
import { unary } from './call.js';
import type { UnaryMethod } from './call.js';
import { checkCallOptions, checkedTimeoutMs } from './call-options.js';
import { toPartitionLeader } from './convert-leadership.js';
import { toBrokers } from './convert.js';
import { LeaderLookUps } from './leader-lookups.js';
import type { NamedLeader } from './leader-lookups.js';
import { LeaderProbe } from './leader-probe.js';
import type { ProbeContext } from './leader-probe.js';
import { LeaderWatch } from './leader-watch.js';
import { Lifetime } from './lifetime.js';
import { MetadataCache } from './metadata-cache.js';
import { withRetries } from './retry.js';
import type { Route } from './retry.js';
import { attemptTimeoutMs } from './retry-policy.js';
import type { Effect } from './retry-policy.js';
import { anyBroker, leaderOf } from './routes.js';
import type { Preference, RouteContext } from './routes.js';
import { openStream } from './server-stream.js';
import type { CallOptions, PartitionRef, RetryListener } from './types.js';

/** Age in milliseconds beyond which the list of brokers is asked for again, beside the next call. */
const BROKERS_AGE_MAX_MS = 60_000;

/** What a broker may take to answer who leads: it waits out an election, at most 2 s. */
export const LEADER_LOOK_UP_EXPECTED_MS = 2000;

/** How one call differs from the others. */
export interface CallSpec<Request, Response> {
  readonly method: UnaryMethod<Request, Response>;
  /** Makes the request for an attempt of at most `timeoutMs`. */
  readonly request: (timeoutMs: number) => Request;
  readonly effect: Effect;
  readonly route: Route;
  /** What a healthy broker may take by right, in milliseconds. Default 0. */
  readonly expectedMs?: number;
  /** For how much of that a leader may be silent before others are asked who leads. Default: all of it. */
  readonly silentMs?: number;
  readonly options: CallOptions | undefined;
  /** The options that the method has beside those of every call; any other is refused. */
  readonly optionNames?: Readonly<Record<string, true>>;
}

/** What the watch of an attempt needs to know. */
interface Waiting {
  readonly asked: Asked;
  readonly effect: Effect;
  readonly silentMs: number;
}

/** How one stream differs from the others. All of them only read. */
export interface StreamSpec<Request, Response> {
  readonly method: UnaryMethod<Request, Response>;
  readonly request: () => Request;
  readonly route: Route;
  /** Bound of the time until the first message. */
  readonly options: CallOptions | undefined;
}

/** One client from the inside. */
export class Session implements RouteContext, ProbeContext {
  readonly directory: BrokerDirectory;
  readonly cache = new MetadataCache();
  readonly probe = new LeaderProbe(this);
  readonly #watch = new LeaderWatch((ref, overdue) => this.probe.about(ref, overdue));
  readonly #pool = new BrokerPool();
  readonly #lifetime = new Lifetime();
  readonly #lookUps = new LeaderLookUps({
    cache: this.cache,
    one: (ref, address, timeoutMs) => {
      const asked = { ref, address, term: undefined };
      const waiting = { asked, effect: 'read', silentMs: 0 } as const;
      const { method, request } = leaderRequest(ref);
      return this.#sendWatched(waiting, method, request, this.#lookUpMs(timeoutMs));
    },
    all: (topic, address, timeoutMs) =>
      this.#send(address, MetadataServiceService.metadata, { topics: [topic] }, timeoutMs),
    sleep: (pauseMs) => this.#lifetime.sleep(pauseMs),
  });
  readonly #timeoutMs: number;
  readonly #onRetry: RetryListener | undefined;
  #brokersLearnedAtMs = Number.NEGATIVE_INFINITY;
  #learning = false;

  constructor(addresses: readonly string[], timeoutMs: number, onRetry?: RetryListener) {
    this.directory = new BrokerDirectory(addresses);
    this.#timeoutMs = timeoutMs;
    this.#onRetry = onRetry;
  }

  /** Tells whoever wants to know that something is tried again; in a turn of its own, so that it breaks nothing. */
  readonly retried: RetryListener = (error, elapsedMs) => {
    const onRetry = this.#onRetry;
    if (onRetry !== undefined) setImmediate(() => onRetry(error, elapsedMs));
  };

  /** Makes a call, with retries. */
  async call<Request, Response>(spec: CallSpec<Request, Response>): Promise<Response> {
    const { method, effect, route, expectedMs = 0 } = spec;
    checkCallOptions(method.path, spec.options, spec.optionNames);
    const timeoutMs = this.timeoutMs(spec.options);
    this.#lifetime.check();
    this.#learnBrokersBeside();
    return withRetries(this.#lifetime, {
      effect,
      timeoutMs,
      expectedMs,
      route,
      retried: this.retried,
      attempt: (address, attemptMs) => {
        const request = spec.request(attemptMs);
        const { asked } = route;
        if (asked === undefined) return this.#send(address, method, request, attemptMs);
        const { silentMs = expectedMs } = spec;
        return this.#sendWatched({ asked, effect, silentMs }, method, request, attemptMs);
      },
    });
  }

  /** Opens a stream that ends with `lifetime` at the latest; until its first message, with retries. */
  async openStream<Request, Response>(lifetime: Lifetime, spec: StreamSpec<Request, Response>) {
    const { method, route, options } = spec;
    this.#learnBrokersBeside();
    return withRetries(lifetime, {
      effect: 'read',
      timeoutMs: this.timeoutMs(options),
      expectedMs: 0,
      route,
      retried: this.retried,
      attempt: (address, attemptMs) =>
        this.#attempt(address, (connection) =>
          openStream(lifetime, connection, method, spec.request(), attemptMs),
        ),
    });
  }

  /** A connection to the broker at `address`. @throws BellwetherError CONNECTION_FAILED when there is none in time */
  dial(address: string, timeoutMs: number): Promise<Connection> {
    this.#learnBrokersBeside();
    return this.#attempt(address, async (connection) => {
      await dialled(connection, timeoutMs);
      return connection;
    });
  }

  /** Watches over a request that `asked` is to answer at once; see leader-watch.ts. Ends with `endAttempt`. */
  beginAttempt(asked: Asked, effect: Effect): Attempt {
    return this.#watch.begin(asked, effect, 0);
  }

  endAttempt(attempt: Attempt): void {
    this.#watch.end(attempt);
  }

  /**
   * The life of what goes on beyond one call: ends with the client, or when `signal` aborts.
   *
   * @throws BellwetherError CLIENT_CLOSED when the client is closed already.
   */
  beginLifetime(signal: AbortSignal | undefined): Lifetime {
    this.#lifetime.check();
    return this.#lifetime.within(signal);
  }

  /** Bound of a call in milliseconds. */
  timeoutMs(options: CallOptions | undefined): number {
    return options?.timeoutMs === undefined ? this.#timeoutMs : checkedTimeoutMs(options.timeoutMs);
  }

  /** A route to any broker, if possible not to the one at `avoid`. */
  anyBroker(avoid?: string): Route {
    return anyBroker(this, avoid);
  }

  /** A route to the leader of a partition. */
  leaderOf(ref: PartitionRef, preference: Preference = 'leader'): Route {
    return leaderOf(this, ref, preference);
  }

  lookUpLeader(ref: PartitionRef, address: string, timeoutMs: number): Promise<NamedLeader> {
    return this.#lookUps.lookUp(ref, address, timeoutMs);
  }

  async askLeader(ref: PartitionRef, address: string, timeoutMs: number) {
    const { method, request } = leaderRequest(ref);
    return toPartitionLeader(await this.#send(address, method, request, timeoutMs));
  }

  async askBrokers(address: string, timeoutMs: number) {
    const method = AdminServiceService.describeCluster;
    return toBrokers((await this.#send(address, method, {}, timeoutMs)).brokers);
  }

  /** Asks one broker, once: what it says is about itself. */
  ask<Request, Response>(
    address: string,
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    return this.#send(address, method, request, timeoutMs);
  }

  /** Ends every call and closes every connection. Idempotent. */
  close(): void {
    this.#watch.close();
    this.#lifetime.close();
    this.#pool.close();
  }

  #send<Request, Response>(
    address: string,
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs: number,
    attempt?: Attempt,
  ): Promise<Response> {
    return this.#attempt(address, (connection) =>
      unary(this.#lifetime, connection, method, request, timeoutMs, attempt),
    );
  }

  /** As `#send`, but given up when the one asked is silent and another broker leads. */
  async #sendWatched<Request, Response>(
    { asked, effect, silentMs }: Waiting,
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    const attempt = this.#watch.begin(asked, effect, silentMs);
    try {
      return await this.#send(asked.address, method, request, timeoutMs, attempt);
    } finally {
      this.#watch.end(attempt);
    }
  }

  /** What one broker gets of `timeoutMs` to say who leads: it may wait for an election. */
  #lookUpMs(timeoutMs: number): number {
    return attemptTimeoutMs({
      effect: 'read',
      remainingMs: timeoutMs,
      expectedMs: LEADER_LOOK_UP_EXPECTED_MS,
      brokerCount: this.directory.size,
    });
  }

  async #attempt<Result>(
    address: string,
    attempt: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    this.#lifetime.check(); // A closed pool must not open another channel.
    const connection = this.#pool.connection(address);
    try {
      return await attempt(connection);
    } catch (error) {
      if (fromServiceError(error).reason === 'CONNECTION_FAILED') this.#pool.discard(connection);
      throw error;
    }
  }

  /**
   * Learns all brokers of the cluster while the call itself goes on, so that the client outlives those
   * that it was given. Failure is no error: the addresses known so far stay, the next call tries again.
   */
  #learnBrokersBeside(): void {
    if (this.#learning || performance.now() - this.#brokersLearnedAtMs < BROKERS_AGE_MAX_MS) return;
    this.#learning = true;
    const route = this.anyBroker();
    const method = AdminServiceService.describeCluster;
    const learned = withRetries(this.#lifetime, {
      effect: 'read',
      timeoutMs: this.#timeoutMs,
      expectedMs: 0,
      route,
      attempt: (address, attemptMs) => this.#send(address, method, {}, attemptMs),
    });
    void learned
      .then(
        (description) => {
          this.directory.learn(toBrokers(description.brokers));
          this.#brokersLearnedAtMs = performance.now();
        },
        () => undefined,
      )
      .finally(() => (this.#learning = false));
  }
}

function leaderRequest({ topic, partition }: PartitionRef) {
  const method = PartitionServiceService.partitionLeader;
  return { method, request: { topic, partition, linearizable: false } };
}
