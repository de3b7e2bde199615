/** Opens a client: the SDK's front door. */
import { BellwetherError } from '../errors.js';
import { createAdmin } from './admin.js';
import { checkList } from './checked-argument.js';
import { checkNames, shown } from './checked-option.js';
import { createConsumer } from './consumer.js';
import { fetch } from './fetch.js';
import { explainLeader, listFailovers } from './leadership-history.js';
import { listOffsets } from './list-offsets.js';
import { commitOffsets, fetchOffsets } from './offsets.js';
import { metadata, partitionFailover, partitionLeader } from './partition.js';
import { produce } from './produce.js';
import { createProducer } from './producer.js';
import { checkedTimeoutMs, TIMEOUT_DEFAULT_MS } from './call-options.js';
import { Session } from './session.js';
import type { BellwetherClient, ConnectOptions } from './types.js';
import { watchLeadership } from './watch-leadership.js';
import { useNativeCrc32c } from '../wire/native-crc32c.js';

/**
 * A client of the cluster to which `options.brokers` belong. Lazy: it reaches no broker yet. Connections are made when
 * a call first needs them, so a wrong address shows there, as CONNECTION_FAILED when the time of the call is over.
 *
 * @throws BellwetherError INVALID_REQUEST when an address is not HOST:PORT, there is none, or an option is unknown.
 */
export async function connect(options: ConnectOptions): Promise<BellwetherClient> {
  checkNames('connect', options, { brokers: true, timeoutMs: true, onRetry: true });
  checkList('brokers', options.brokers);
  if (options.brokers.length === 0) throw invalidBrokers('brokers must name at least one HOST:PORT');
  for (const address of options.brokers) checkAddress(address);
  const timeoutMs = checkedTimeoutMs(options.timeoutMs ?? TIMEOUT_DEFAULT_MS);
  checkListener(options.onRetry);
  useNativeCrc32c();
  const session = new Session(options.brokers, timeoutMs, options.onRetry);
  return {
    admin: createAdmin(session),
    metadata: (topics = [], callOptions) => metadata(session, topics, callOptions),
    partitionLeader: (ref, callOptions) => partitionLeader(session, ref, callOptions),
    partitionFailover: (request, callOptions) => partitionFailover(session, request, callOptions),
    listFailovers: (filter = {}, callOptions) => listFailovers(session, filter, callOptions),
    explainLeader: (ref, callOptions) => explainLeader(session, ref, callOptions),
    watchLeadership: (watchOptions) => watchLeadership(session, watchOptions),
    produce: (ref, records, callOptions) => produce(session, ref, records, callOptions),
    fetch: (ref, offset, callOptions) => fetch(session, ref, offset, callOptions),
    consumer: (consumerOptions) => createConsumer(session, consumerOptions),
    producer: (producerOptions) => createProducer(session, producerOptions),
    listOffsets: (ref, at, callOptions) => listOffsets(session, ref, at, callOptions),
    commitOffsets: (group, offsets, callOptions) => commitOffsets(session, group, offsets, callOptions),
    fetchOffsets: (group, partitions, callOptions) => fetchOffsets(session, group, partitions, callOptions),
    close: async () => session.close(),
  };
}

function checkListener(onRetry: unknown): void {
  if (onRetry === undefined || typeof onRetry === 'function') return;
  const message = `onRetry must be a function, got ${shown(onRetry)}`;
  throw new BellwetherError('INVALID_REQUEST', message, { metadata: { field: 'onRetry' } });
}

function checkAddress(address: string): void {
  const port = /^(?:[^\s:/[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(address)?.[1];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return;
  throw invalidBrokers(`broker address ${JSON.stringify(address)} is not HOST:PORT`);
}

function invalidBrokers(message: string): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', message, { metadata: { field: 'brokers' } });
}
