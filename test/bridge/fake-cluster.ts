/** A cluster in memory behind the SDK's interface: the port that the bridge's tests run on. */
import type { BridgeCluster } from '../../src/bridge/session.js';
import type {
  BellwetherClient,
  CallOptions,
  ConsumedRecord,
  PartitionInfo,
  PartitionRef,
} from '../../src/client/types.js';
import type { StoredOffset } from '../../src/client/types-offsets.js';
import { toLogRecord } from '../../src/client/outgoing.js';
import { BellwetherError, type Reason } from '../../src/errors.js';

/** One SDK call that was made. */
export interface Call {
  readonly method: string;
  readonly ref: string;
  readonly timeoutMs: number | undefined;
}

export type Gate = (call: Call) => Promise<void> | void;

/** Topics of records, leaders by turns, offsets of groups. `gate` may delay or fail a call. */
export class FakeCluster implements BridgeCluster {
  readonly nodeIds: readonly string[];
  readonly topics = new Map<string, ConsumedRecord[][]>();
  readonly committed = new Map<string, number>();
  readonly calls: Call[] = [];
  readonly client: BellwetherClient;
  gate: Gate = () => undefined;
  closeCount = 0;
  readonly #terms = new Map<string, number>();

  constructor(nodeIds: readonly string[] = ['n1', 'n2', 'n3']) {
    this.nodeIds = nodeIds;
    this.client = this.#makeClient();
  }

  close(): Promise<void> {
    this.closeCount++;
    return Promise.resolve();
  }

  callsOf(method: string): Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  addTopic(topic: string, partitions: number): void {
    this.topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  async #pass(method: string, ref: string, options: CallOptions | undefined): Promise<void> {
    const call = { method, ref, timeoutMs: options?.timeoutMs };
    this.calls.push(call);
    await this.gate(call);
  }

  #records(ref: PartitionRef): ConsumedRecord[] {
    const records = this.topics.get(ref.topic)?.[ref.partition];
    if (records === undefined) throw failure('UNKNOWN_TOPIC_OR_PARTITION');
    return records;
  }

  #leadership(ref: PartitionRef): { leader: string; term: number } {
    this.#records(ref);
    const term = this.#terms.get(nameOf(ref)) ?? 1;
    return { leader: this.nodeIds[(ref.partition + term - 1) % this.nodeIds.length] ?? '', term };
  }

  #describe(topic: string): PartitionInfo[] {
    const partitions = this.topics.get(topic);
    if (partitions === undefined) throw failure('UNKNOWN_TOPIC_OR_PARTITION');
    return partitions.map((_, partition) => ({
      partition,
      ...this.#leadership({ topic, partition }),
      replicas: this.nodeIds,
      inSyncReplicas: this.nodeIds,
      offlineReplicas: [],
    }));
  }

  #makeClient(): BellwetherClient {
    return {
      admin: {
        createTopic: async (topic, options) => {
          await this.#pass('createTopic', topic, options);
          if (this.topics.has(topic)) throw failure('TOPIC_ALREADY_EXISTS');
          this.addTopic(topic, options?.partitions ?? 1);
          return { topic, partitions: this.#describe(topic) };
        },
        describeTopic: async (topic, options) => {
          await this.#pass('describeTopic', topic, options);
          return { topic, partitions: this.#describe(topic), config: [] };
        },
        alterTopicConfig: unused,
        deleteTopic: unused,
        listTopics: unused,
        describeCluster: unused,
        describeHealth: unused,
        listBrokers: unused,
        addBroker: unused,
        removeBroker: unused,
        replaceBroker: unused,
        reassignPartition: unused,
        cancelReassignment: unused,
        listReassignments: unused,
        initProducer: unused,
        transferLeadership: unused,
        describeReplication: unused,
        deleteRecords: unused,
      },
      listOffsets: unused,
      listFailovers: unused,
      producer: unusedNow,
      consumer: unusedNow,
      explainLeader: unused,
      watchLeadership: () => {
        throw new Error('the bridge does not call this');
      },
      metadata: async (topics = [], options) => {
        await this.#pass('metadata', topics.join(), options);
        const names = topics.length === 0 ? [...this.topics.keys()] : topics;
        return {
          clusterId: 'fake',
          controller: undefined,
          brokers: this.nodeIds.map((id, index) => ({
            id,
            address: `127.0.0.1:${9000 + index}`,
            rack: '',
            alive: true,
          })),
          topics: names.map((topic) => ({ topic, partitions: this.#describe(topic) })),
        };
      },
      partitionLeader: async (ref, options) => {
        await this.#pass('partitionLeader', nameOf(ref), options);
        const { leader, term } = this.#leadership(ref);
        return {
          leader,
          term,
          followers: this.nodeIds.filter((id) => id !== leader),
          leaderAddress: '',
          inSyncReplicas: this.nodeIds,
          highWatermark: undefined,
          leaderSinceMs: 0,
        };
      },
      partitionFailover: async (request, options) => {
        await this.#pass('partitionFailover', nameOf(request), options);
        const before = this.#leadership(request);
        if (!this.nodeIds.includes(request.failedLeader)) throw failure('INVALID_REQUEST');
        const isMoved = before.leader === request.failedLeader;
        if (isMoved) this.#terms.set(nameOf(request), before.term + 1);
        const { leader, term } = this.#leadership(request);
        return {
          newLeader: leader,
          newTerm: term,
          failoverMs: isMoved ? 7 : 0,
          outcome: isMoved ? 'MOVED' : 'ALREADY_MOVED',
          timeline: undefined,
        };
      },
      produce: async (ref, records, options) => {
        await this.#pass('produce', nameOf(ref), options);
        const log = this.#records(ref);
        const baseOffset = log.length;
        for (const record of records) {
          const { key, value } = toLogRecord(record);
          log.push({ offset: log.length, key, value, headers: [], timestampMs: 1700000000000 });
        }
        return {
          partition: ref.partition,
          baseOffset: options?.acks === 0 ? -1 : baseOffset,
          term: this.#leadership(ref).term,
          recordCount: records.length,
        };
      },
      fetch: async (ref, offset, options) => {
        await this.#pass('fetch', nameOf(ref), options);
        const log = this.#records(ref);
        if (offset > log.length) throw failure('OFFSET_OUT_OF_RANGE');
        const records = log.slice(offset, offset + (options?.maxRecords ?? 500));
        return {
          records,
          highWatermark: log.length,
          logStartOffset: 0,
          nextOffset: offset + records.length,
        };
      },
      commitOffsets: async (group, offsets, options) => {
        await this.#pass('commitOffsets', offsets.map(nameOf).join(), options);
        if (offsets.length === 0) throw failure('INVALID_REQUEST');
        for (const offset of offsets) {
          this.#records(offset);
          this.committed.set(`${group}/${nameOf(offset)}`, offset.offset);
        }
      },
      fetchOffsets: async (group, partitions, options) => {
        await this.#pass('fetchOffsets', partitions.map(nameOf).join(), options);
        if (partitions.length === 0) throw failure('INVALID_REQUEST');
        return partitions.flatMap((ref): StoredOffset[] => {
          this.#records(ref);
          const offset = this.committed.get(`${group}/${nameOf(ref)}`);
          return offset === undefined ? [] : [{ ...ref, offset, generation: undefined, committedAtMs: 0 }];
        });
      },
      close: () => Promise.resolve(),
    };
  }
}

export function failure(reason: Reason): BellwetherError {
  return new BellwetherError(reason, `the fake says ${reason}`);
}

function nameOf({ topic, partition }: PartitionRef): string {
  return `${topic}/${partition}`;
}

function unused(): Promise<never> {
  return Promise.reject(new Error('the bridge does not call this'));
}

function unusedNow(): never {
  throw new Error('not part of this fake');
}
