/**
 * Changes of the cluster metadata, as they stand in the log of group 0. Pure.
 *
 * Stored as JSON with a version: they are few, and people read them when something went wrong.
 */

import { invariant } from '../invariant.js';
import type { BrokerId, GroupId, LogIndex } from '../raft/types.js';
import { decodeUtf8, encodeUtf8 } from '../records/utf8.js';
import {
  type FirstWriteReport,
  isFirstWriteReport,
  isLeadershipReport,
  type LeadershipReport,
} from './leadership-change.js';
import {
  isTopicConfigName,
  isTopicOverrides,
  type TopicConfigName,
  type TopicOverrides,
} from './topic-config.js';

/** Names the cluster, once and for ever. */
export interface InitCluster {
  readonly kind: 'initCluster';
  readonly clusterId: string;
}

/** Enters a broker, or changes where it is reached. */
export interface RegisterBroker {
  readonly kind: 'registerBroker';
  readonly id: BrokerId;
  /** Identity of its disk: a broker that comes back with another one is not the old voter. */
  readonly incarnation: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  readonly rack: string;
}

/** Admits a broker that the cluster was not started with. */
export interface AddBroker {
  readonly kind: 'addBroker';
  readonly id: BrokerId;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
}

/** Lets a broker go, once no partition is on it any more. */
export interface RemoveBroker {
  readonly kind: 'removeBroker';
  readonly id: BrokerId;
}

/** Declares the disk of a broker lost, so that it may come back with another one. */
export interface ReplaceBroker {
  readonly kind: 'replaceBroker';
  readonly id: BrokerId;
}

/** Creates a topic with the replicas that the controller chose. */
export interface CreateTopic {
  readonly kind: 'createTopic';
  readonly topic: string;
  readonly replicationFactor: number;
  /** For each partition its replicas, the preferred leader first. */
  readonly assignments: readonly (readonly BrokerId[])[];
  /** What is set for the topic; left out by versions that knew no configuration. */
  readonly config?: TopicOverrides;
}

/** Sets entries of a topic's configuration, and gives others back to their defaults; again it changes nothing. */
export interface AlterTopicConfig {
  readonly kind: 'alterTopicConfig';
  readonly topic: string;
  readonly set: TopicOverrides;
  /** None of them is in `set`. */
  readonly reset: readonly TopicConfigName[];
}

export interface DeleteTopic {
  readonly kind: 'deleteTopic';
  readonly topic: string;
}

/** Says where the replicas of a partition belong from now on. */
export interface ReassignPartition {
  readonly kind: 'reassignPartition';
  readonly topic: string;
  readonly partition: number;
  /** The preferred leader first. */
  readonly replicas: readonly BrokerId[];
}

/** Moves the replicas back to where they were before the reassignment. */
export interface CancelReassignment {
  readonly kind: 'cancelReassignment';
  readonly topic: string;
  readonly partition: number;
}

/** Reports the membership that a partition's group has committed. */
export interface MembershipChanged {
  readonly kind: 'membershipChanged';
  readonly group: GroupId;
  /** Of the membership's entry in the log of that group. */
  readonly index: LogIndex;
  readonly voters: readonly BrokerId[];
  readonly learners: readonly BrokerId[];
}

/** Enters what new leaders report in the history; sent again it changes nothing. */
export interface RecordLeadership {
  readonly kind: 'recordLeadership';
  readonly changes: readonly LeadershipReport[];
  readonly firstWrites: readonly FirstWriteReport[];
}

/** Hands out the next producer ids; a block of them to one broker, which gives them to producers. */
export interface TakeProducerIds {
  readonly kind: 'takeProducerIds';
  readonly count: number;
}

export type ClusterCommand =
  | InitCluster
  | RegisterBroker
  | AddBroker
  | RemoveBroker
  | ReplaceBroker
  | CreateTopic
  | AlterTopicConfig
  | DeleteTopic
  | ReassignPartition
  | CancelReassignment
  | MembershipChanged
  | RecordLeadership
  | TakeProducerIds;

/** Why a command was refused: rows of the error table. */
export type RefusalReason =
  | 'TOPIC_ALREADY_EXISTS'
  | 'UNKNOWN_TOPIC_OR_PARTITION'
  | 'CLUSTER_MISMATCH'
  | 'BROKER_NOT_FOUND'
  | 'BROKER_ALREADY_EXISTS'
  | 'BROKER_CHANGE_REFUSED'
  | 'REASSIGNMENT_REFUSED'
  | 'NO_REASSIGNMENT';

/** What applying a command came to; the same on every broker. */
export type CommandResult =
  /** With the first of the producer ids, where some were taken. */
  | { readonly ok: true; readonly firstProducerId?: number }
  | {
      readonly ok: false;
      readonly reason: RefusalReason;
      readonly message: string;
      readonly metadata: Readonly<Record<string, string>>;
    };

const FORMAT_VERSION = 1;

export function encodeCommand(command: ClusterCommand): Uint8Array {
  return encodeUtf8(JSON.stringify({ version: FORMAT_VERSION, command }));
}

/** Reads what `encodeCommand` wrote. @throws InvariantError or SyntaxError for anything else. */
export function decodeCommand(payload: Uint8Array): ClusterCommand {
  const { version, command } = JSON.parse(decodeUtf8(payload)) as { version: unknown; command: unknown };
  invariant(version === FORMAT_VERSION, 'a cluster command of a known version', { version });
  invariant(isCommand(command), 'a cluster command with all its fields', { command });
  return command;
}

/** The fields of each kind, and what each must be. */
const FIELDS: {
  readonly [K in ClusterCommand['kind']]: Readonly<Record<string, (value: unknown) => boolean>>;
} = {
  initCluster: { clusterId: isText },
  registerBroker: { id: isText, incarnation: isText, address: isText, peerAddress: isText, rack: isText },
  addBroker: { id: isText, peerAddress: isText },
  removeBroker: { id: isText },
  replaceBroker: { id: isText },
  createTopic: {
    topic: isText,
    replicationFactor: isCount,
    assignments: (value) => Array.isArray(value) && value.every(isTexts),
    config: (value) => value === undefined || isTopicOverrides(value),
  },
  alterTopicConfig: {
    topic: isText,
    set: isTopicOverrides,
    reset: (value) => Array.isArray(value) && value.every(isTopicConfigName),
  },
  deleteTopic: { topic: isText },
  reassignPartition: { topic: isText, partition: isCount, replicas: isTexts },
  cancelReassignment: { topic: isText, partition: isCount },
  membershipChanged: { group: isCount, index: isCount, voters: isTexts, learners: isTexts },
  recordLeadership: {
    changes: (value) => Array.isArray(value) && value.every(isLeadershipReport),
    firstWrites: (value) => Array.isArray(value) && value.every(isFirstWriteReport),
  },
  takeProducerIds: { count: isCount },
};

function isCommand(value: unknown): value is ClusterCommand {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const kind = fields['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) return false;
  return Object.entries(FIELDS[kind as ClusterCommand['kind']]).every(([name, ok]) => ok(fields[name]));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

export function encodeResult(result: CommandResult): Uint8Array {
  return encodeUtf8(JSON.stringify(result));
}

export function decodeResult(bytes: Uint8Array): CommandResult {
  return JSON.parse(decodeUtf8(bytes)) as CommandResult;
}
