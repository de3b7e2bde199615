/** The published door `bellwether/testing`: a cluster in this process for the tests of a program that uses one. */
import { connect } from '../client/connect.js';
import { checkedOption, checkNames } from '../client/checked-option.js';
import type { BellwetherClient, ConnectOptions } from '../client/types.js';
import { BROKERS_MAX } from '../config.js';
import { BellwetherError } from '../errors.js';
import { startEmbeddedCluster } from './embedded-cluster.js';
import { invariant } from '../invariant.js';
import type { EmbeddedBroker, EmbeddedCluster } from './embedded-cluster.js';

/** Options of `startCluster`. */
export interface TestClusterOptions {
  /** How many brokers, named n1, n2, ...: 1 to 7. Default 3; a partition outlives one of three. */
  readonly brokers?: number;
}

/**
 * A running cluster. Every broker is a real one, with its own ports of loopback and its own data in a temporary
 * folder; they share this process, and so its event loop.
 */
export interface TestCluster {
  /** HOST:PORT for clients of every broker, as `connect` takes them. */
  readonly bootstrap: readonly string[];
  /** Names of the brokers that run, in order. */
  readonly brokers: readonly string[];
  /** A client of this cluster, which `stop` closes. */
  client(options?: Omit<ConnectOptions, 'brokers'>): Promise<BellwetherClient>;
  /** Stops one broker at once, without handing over. What it had acknowledged is on the others. */
  kill(broker: string): Promise<void>;
  /**
   * Starts a broker that was killed again, at its addresses and on its data. Resolves once it stands in the cluster
   * again; it catches up from then on, and leads nothing at first.
   *
   * @throws BellwetherError INVALID_REQUEST when it runs, or a link of it is cut: `heal` first.
   */
  restart(broker: string): Promise<void>;
  /** Kills the broker that leads a partition, and resolves with its name; another one leads soon. */
  killLeader(topic: string, partition: number): Promise<string>;
  /**
   * Cuts a broker off from all others; clients still reach it. It stops leading, and refuses writes, as a broker does
   * behind a broken switch. (A broker that shares the process cannot be halted like one under SIGSTOP.)
   */
  isolate(broker: string): void;
  /** Cuts the link between two brokers, both ways. */
  cut(one: string, other: string): void;
  /** Mends every link. */
  heal(): void;
  /** Closes the clients, stops the brokers and removes their folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster; resolves once every broker is ready. End it with `stop`, or nothing ends the process.
 *
 * @throws BellwetherError INVALID_REQUEST when `brokers` is out of its bounds, or an option is unknown.
 */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  checkNames('startCluster', options, { brokers: true });
  const count = checkedOption('brokers', options.brokers ?? 3, 1, BROKERS_MAX);
  const names = Array.from({ length: count }, (_, n) => `n${n + 1}`);
  return testCluster(await startEmbeddedCluster({ brokers: names }));
}

function testCluster(cluster: EmbeddedCluster): TestCluster {
  const bootstrap = cluster.brokers.map(({ address }) => address);
  const running = cluster.brokers.map(({ id }) => id);
  const clients = new Set<BellwetherClient>();
  let stopping: Promise<void> | undefined;
  /** The links that are cut, as pairs. */
  const cuts: [string, string][] = [];
  const cut = (one: string, other: string): void => {
    brokerOf(cluster, one).links.sever(other);
    brokerOf(cluster, other).links.sever(one);
    cuts.push([one, other]);
  };
  const heal = (): void => {
    for (const [one, other] of cuts.splice(0)) {
      brokerOf(cluster, one).links.mend(other);
      brokerOf(cluster, other).links.mend(one);
    }
  };
  const client: TestCluster['client'] = async (options) => {
    const made = await connect({ ...options, brokers: bootstrap });
    clients.add(made);
    return made;
  };
  const kill: TestCluster['kill'] = async (broker) => {
    running.splice(indexOf(running, broker), 1);
    await brokerOf(cluster, broker).kill();
  };
  const restart: TestCluster['restart'] = async (broker) => {
    if (stopping !== undefined) throw refused('the cluster was stopped');
    const known = cluster.brokers.find(({ id }) => id === broker);
    if (known === undefined) throw refused(`there is no broker ${broker}`);
    if (running.includes(broker)) throw refused(`broker ${broker} runs already`);
    if (cuts.flat().includes(broker)) throw refused(`a link of broker ${broker} is cut: heal() first`);
    await known.restart();
    const ids = cluster.brokers.map(({ id }) => id);
    running.splice(0, running.length, ...ids.filter((id) => id === broker || running.includes(id)));
  };
  return {
    bootstrap,
    brokers: running,
    client,
    kill,
    restart,
    async killLeader(topic, partition) {
      const asking = await connect({ brokers: bootstrap });
      try {
        const { leader } = await asking.partitionLeader({ topic, partition });
        await kill(leader);
        return leader;
      } finally {
        await asking.close();
      }
    },
    isolate(broker) {
      indexOf(running, broker);
      for (const { id } of cluster.brokers) if (id !== broker) cut(broker, id);
    },
    cut(one, other) {
      indexOf(running, one);
      indexOf(running, other);
      cut(one, other);
    },
    heal,
    stop() {
      stopping ??= (async () => {
        for (const each of clients) await each.close();
        await cluster.close();
      })();
      return stopping;
    },
  };
}

function brokerOf(cluster: EmbeddedCluster, name: string): EmbeddedBroker {
  const broker = cluster.brokers.find(({ id }) => id === name);
  invariant(broker !== undefined, 'the broker is one of the cluster', { name });
  return broker;
}

function indexOf(running: readonly string[], broker: string): number {
  const index = running.indexOf(broker);
  if (index >= 0) return index;
  throw refused(`no broker ${broker} runs here: ${running.join(', ')}`);
}

function refused(message: string): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', message, { metadata: { field: 'broker' } });
}
