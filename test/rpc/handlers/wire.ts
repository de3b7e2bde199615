/** A real cluster of three brokers, spoken to over real gRPC with the generated clients. */

import { credentials, type ServiceError } from '@grpc/grpc-js';
import * as admin from '../../../gen/bellwether/v1/admin_service.js';
import * as log from '../../../gen/bellwether/v1/log_service.js';
import * as metadata from '../../../gen/bellwether/v1/metadata_service.js';
import * as offset from '../../../gen/bellwether/v1/offset_service.js';
import * as partition from '../../../gen/bellwether/v1/partition_service.js';
import { GRPC_CODE } from '../../../src/error-row.js';
import { BellwetherError } from '../../../src/errors.js';
import { encodeRecordBatch } from '../../../src/records/batch-encode.js';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../../src/testing/embedded-cluster.js';
import { fromServiceError } from '../../../src/wire/status.js';

export const BROKERS = ['n1', 'n2', 'n3'] as const;
export type BrokerName = (typeof BROKERS)[number];

export type Callback<Res> = (error: ServiceError | null, response: Res) => void;

/** Makes a promise of a unary call; it rejects with the error as the SDK would see it. */
export function unary<Res>(call: (callback: Callback<Res>) => unknown): Promise<Res> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) resolve(response);
      else reject(fromServiceError(error));
    });
  });
}

/** What `create` of a generated message takes. */
type Fields<M extends { create(fields?: never): unknown }> = Parameters<M['create']>[0];

/** Every public method on one broker. Fields that are left out have the default of proto3. */
export class Endpoint {
  readonly address: string;
  readonly #log: log.LogServiceClient;
  readonly #partition: partition.PartitionServiceClient;
  readonly #admin: admin.AdminServiceClient;
  readonly #metadata: metadata.MetadataServiceClient;
  readonly #offset: offset.OffsetServiceClient;

  constructor(address: string) {
    const insecure = credentials.createInsecure();
    this.address = address;
    this.#log = new log.LogServiceClient(address, insecure);
    this.#partition = new partition.PartitionServiceClient(address, insecure);
    this.#admin = new admin.AdminServiceClient(address, insecure);
    this.#metadata = new metadata.MetadataServiceClient(address, insecure);
    this.#offset = new offset.OffsetServiceClient(address, insecure);
  }

  close(): void {
    for (const client of [this.#log, this.#partition, this.#admin, this.#metadata, this.#offset])
      client.close();
  }

  produce(fields: Fields<typeof log.ProduceRequest>) {
    return unary<log.ProduceResponse>((done) => this.#log.produce(log.ProduceRequest.create(fields), done));
  }

  fetch(fields: Fields<typeof log.FetchRequest>) {
    return unary<log.FetchResponse>((done) => this.#log.fetch(log.FetchRequest.create(fields), done));
  }

  listOffsets(fields: Fields<typeof log.ListOffsetsRequest>) {
    const request = log.ListOffsetsRequest.create(fields);
    return unary<log.ListOffsetsResponse>((done) => this.#log.listOffsets(request, done));
  }

  produceStream() {
    return this.#log.produceStream();
  }

  consume(fields: Fields<typeof log.ConsumeRequest>) {
    return this.#log.consume(log.ConsumeRequest.create(fields));
  }

  partitionLeader(fields: Fields<typeof partition.PartitionLeaderRequest>) {
    const request = partition.PartitionLeaderRequest.create(fields);
    return unary<partition.PartitionLeaderResponse>((done) => this.#partition.partitionLeader(request, done));
  }

  partitionFailover(fields: Fields<typeof partition.PartitionFailoverRequest>) {
    const request = partition.PartitionFailoverRequest.create(fields);
    return unary<partition.PartitionFailoverResponse>((done) =>
      this.#partition.partitionFailover(request, done),
    );
  }

  transferLeadership(fields: Fields<typeof admin.TransferLeadershipRequest>) {
    const request = admin.TransferLeadershipRequest.create(fields);
    return unary<admin.TransferLeadershipResponse>((done) => this.#admin.transferLeadership(request, done));
  }

  listFailovers(fields: Fields<typeof partition.ListFailoversRequest>) {
    const request = partition.ListFailoversRequest.create(fields);
    return unary<partition.ListFailoversResponse>((done) => this.#partition.listFailovers(request, done));
  }

  explainLeader(fields: Fields<typeof partition.ExplainLeaderRequest>) {
    const request = partition.ExplainLeaderRequest.create(fields);
    return unary<partition.ExplainLeaderResponse>((done) => this.#partition.explainLeader(request, done));
  }

  watchLeadership(fields: Fields<typeof partition.WatchLeadershipRequest>) {
    return this.#partition.watchLeadership(partition.WatchLeadershipRequest.create(fields));
  }

  createTopic(fields: Fields<typeof admin.CreateTopicRequest>) {
    const request = admin.CreateTopicRequest.create(fields);
    return unary<admin.CreateTopicResponse>((done) => this.#admin.createTopic(request, done));
  }

  deleteTopic(fields: Fields<typeof admin.DeleteTopicRequest>) {
    const request = admin.DeleteTopicRequest.create(fields);
    return unary<admin.DeleteTopicResponse>((done) => this.#admin.deleteTopic(request, done));
  }

  listTopics(fields: Fields<typeof admin.ListTopicsRequest>) {
    const request = admin.ListTopicsRequest.create(fields);
    return unary<admin.ListTopicsResponse>((done) => this.#admin.listTopics(request, done));
  }

  describeTopic(fields: Fields<typeof admin.DescribeTopicRequest>) {
    const request = admin.DescribeTopicRequest.create(fields);
    return unary<admin.DescribeTopicResponse>((done) => this.#admin.describeTopic(request, done));
  }

  alterTopicConfig(fields: Fields<typeof admin.AlterTopicConfigRequest>) {
    const request = admin.AlterTopicConfigRequest.create(fields);
    return unary<admin.AlterTopicConfigResponse>((done) => this.#admin.alterTopicConfig(request, done));
  }

  describeCluster() {
    return unary<admin.DescribeClusterResponse>((done) => this.#admin.describeCluster({}, done));
  }

  describeHealth() {
    return unary<admin.DescribeHealthResponse>((done) => this.#admin.describeHealth({}, done));
  }

  addBroker(fields: Fields<typeof admin.AddBrokerRequest>) {
    const request = admin.AddBrokerRequest.create(fields);
    return unary<admin.AddBrokerResponse>((done) => this.#admin.addBroker(request, done));
  }

  removeBroker(fields: Fields<typeof admin.RemoveBrokerRequest>) {
    const request = admin.RemoveBrokerRequest.create(fields);
    return unary<admin.RemoveBrokerResponse>((done) => this.#admin.removeBroker(request, done));
  }

  replaceBroker(fields: Fields<typeof admin.ReplaceBrokerRequest>) {
    const request = admin.ReplaceBrokerRequest.create(fields);
    return unary<admin.ReplaceBrokerResponse>((done) => this.#admin.replaceBroker(request, done));
  }

  reassignPartition(fields: Fields<typeof admin.ReassignPartitionRequest>) {
    const request = admin.ReassignPartitionRequest.create(fields);
    return unary<admin.ReassignPartitionResponse>((done) => this.#admin.reassignPartition(request, done));
  }

  cancelReassignment(fields: Fields<typeof admin.CancelReassignmentRequest>) {
    const request = admin.CancelReassignmentRequest.create(fields);
    return unary<admin.CancelReassignmentResponse>((done) => this.#admin.cancelReassignment(request, done));
  }

  describeReplication(fields: Fields<typeof admin.DescribeReplicationRequest>) {
    const request = admin.DescribeReplicationRequest.create(fields);
    return unary<admin.DescribeReplicationResponse>((done) => this.#admin.describeReplication(request, done));
  }

  deleteRecords(fields: Fields<typeof admin.DeleteRecordsRequest>) {
    const request = admin.DeleteRecordsRequest.create(fields);
    return unary<admin.DeleteRecordsResponse>((done) => this.#admin.deleteRecords(request, done));
  }

  listBrokers() {
    return unary<admin.ListBrokersResponse>((done) => this.#admin.listBrokers({}, done));
  }

  listReassignments() {
    return unary<admin.ListReassignmentsResponse>((done) => this.#admin.listReassignments({}, done));
  }

  metadata(fields: Fields<typeof metadata.MetadataRequest>) {
    const request = metadata.MetadataRequest.create(fields);
    return unary<metadata.MetadataResponse>((done) => this.#metadata.metadata(request, done));
  }

  commitOffsets(fields: Fields<typeof offset.CommitOffsetsRequest>) {
    const request = offset.CommitOffsetsRequest.create(fields);
    return unary<offset.CommitOffsetsResponse>((done) => this.#offset.commitOffsets(request, done));
  }

  fetchOffsets(fields: Fields<typeof offset.FetchOffsetsRequest>) {
    const request = offset.FetchOffsetsRequest.create(fields);
    return unary<offset.FetchOffsetsResponse>((done) => this.#offset.fetchOffsets(request, done));
  }
}

export class Wire {
  readonly #cluster: EmbeddedCluster;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;

  private constructor(cluster: EmbeddedCluster) {
    this.#cluster = cluster;
    this.#endpoints = new Map(cluster.brokers.map(({ id, address }) => [id, new Endpoint(address)]));
  }

  /** Starts the cluster and creates `topic`, whose first partition is led by n1. */
  static async start(topic: string, options: { retentionCheckMs?: number } = {}): Promise<Wire> {
    const wire = new Wire(await startEmbeddedCluster({ brokers: BROKERS, ...options }));
    await wire.at('n1').createTopic({ topic });
    for (const id of BROKERS) await wire.at(id).partitionLeader({ topic });
    return wire;
  }

  at(id: string): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) throw new Error(`there is no broker ${id}`);
    return endpoint;
  }

  /** Stops one broker as SIGTERM does. */
  async stop(id: string): Promise<void> {
    await this.#cluster.brokers.find((each) => each.id === id)?.stop();
  }

  async close(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    await this.#cluster.close();
  }
}

/** The error that a call fails with; fails when it does not fail. */
export async function failure(call: Promise<unknown>): Promise<BellwetherError> {
  const error: unknown = await call.then(
    (response) => new Error(`it was answered with ${JSON.stringify(response)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof BellwetherError) return error;
  throw error;
}

/** What a refusal of a field looks like on the wire. */
export async function refusedField(call: Promise<unknown>): Promise<string> {
  const error = await failure(call);
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
  if (error.reason !== 'INVALID_REQUEST' || code !== GRPC_CODE.INVALID_ARGUMENT) {
    throw new Error(`not INVALID_ARGUMENT: ${error.reason} (${String(code)}) ${error.message}`);
  }
  return error.metadata['field'] ?? '';
}

/** Requests that name a topic wrongly. */
export const BAD_TOPICS = ['', '.', '..', 'a/b', 'ü', 'a'.repeat(250)] as const;

export function batchOf(...values: readonly string[]): Uint8Array {
  return encodeRecordBatch(
    values.map((value) => ({
      key: undefined,
      value: new TextEncoder().encode(value),
      headers: [],
      timestampMs: 1_700_000_000_000,
    })),
  );
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
