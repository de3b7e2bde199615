/** What clients are told when a group refuses: the core's verdicts as errors. */

import { BellwetherError } from '../errors.js';
import type { ProducerHeader, SequenceVerdict } from '../log/producer-state.js';
import type { ProposeRefusal } from '../raft/leader.js';
import type { ReadRefusal } from '../raft/reads.js';
import type { BrokerId } from '../raft/types.js';
import { unreachable } from '../invariant.js';
import type { KnownLeader } from './leader-table.js';

/** Names a partition in messages and metadata. */
export interface Subject {
  readonly topic: string;
  readonly partition: number;
}

function nameOf({ topic, partition }: Subject): string {
  return `${topic}/${String(partition)}`;
}

function metadataOf({ topic, partition }: Subject): Record<string, string> {
  return { topic, partition: String(partition) };
}

export function unknownPartition(subject: Subject): BellwetherError {
  return new BellwetherError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${nameOf(subject)}`, {
    metadata: metadataOf(subject),
  });
}

export function unknownTopic(topic: string): BellwetherError {
  return new BellwetherError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`, {
    metadata: { topic },
  });
}

export function noLeader(subject: Subject): BellwetherError {
  return new BellwetherError('NO_LEADER', `no leader is known for ${nameOf(subject)}`, {
    metadata: metadataOf(subject),
  });
}

/** The request belongs to `leader`; its address, when known, makes the hint. */
export function notLeader(
  self: string,
  subject: Subject,
  leader: KnownLeader,
  address: string | undefined,
): BellwetherError {
  const term = String(leader.term);
  const at = address === undefined ? '' : ` at ${address}`;
  return new BellwetherError(
    'NOT_LEADER',
    `broker ${self} does not lead ${nameOf(subject)}; ${leader.leader}${at} does, in term ${term}`,
    {
      metadata: { ...metadataOf(subject), broker: self, leader: leader.leader, term },
      leaderHint: address === undefined ? undefined : { leader: leader.leader, address, term: leader.term },
    },
  );
}

/** A leader refused a proposal; `elsewhere` makes the error when it leads no more. */
export function refusedProposal(
  reason: ProposeRefusal,
  subject: Subject,
  elsewhere: () => BellwetherError,
): BellwetherError {
  const metadata = metadataOf(subject);
  switch (reason) {
    case 'notLeader':
      return elsewhere();
    case 'transferring':
      return new BellwetherError('NO_LEADER', `the leadership of ${nameOf(subject)} is being handed over`, {
        metadata,
      });
    case 'notEnoughReplicas':
      return notEnoughReplicas(subject);
    case 'uncommittedBytesExceeded':
      return new BellwetherError(
        'UNCOMMITTED_BYTES_EXCEEDED',
        `${nameOf(subject)} has too many uncommitted bytes`,
        { metadata },
      );
    default:
      return unreachable(reason);
  }
}

/** A batch of an idempotent producer does not fit to what is in the log; `verdict` says why. */
export function refusedSequence(
  verdict: Extract<SequenceVerdict, { readonly kind: 'outOfOrder' | 'fenced' }>,
  { producerId, producerEpoch, baseSequence }: ProducerHeader,
  subject: Subject,
): BellwetherError {
  const producer = String(producerId);
  const epoch = String(producerEpoch);
  const sequence = String(baseSequence);
  const who = `producer ${producer} of epoch ${epoch}`;
  const facts = { producer_id: producer, producer_epoch: epoch, base_sequence: sequence };
  const metadata = { ...metadataOf(subject), ...facts };
  if (verdict.kind === 'fenced') {
    const current = String(verdict.epoch);
    return new BellwetherError(
      'FENCED_PRODUCER',
      `${who} was followed by epoch ${current} in ${nameOf(subject)}`,
      { metadata: { ...metadata, current_epoch: current } },
    );
  }
  const expected = String(verdict.expected);
  return new BellwetherError(
    'OUT_OF_ORDER_SEQUENCE',
    `sequence ${sequence} of ${who} is not the next one of ${nameOf(subject)}, which is ${expected}`,
    { metadata: { ...metadata, expected_sequence: expected } },
  );
}

/** A leader refused a linearizable read; `elsewhere` makes the error when it leads no more. */
export function refusedRead(
  reason: ReadRefusal,
  subject: Subject,
  elsewhere: () => BellwetherError,
): BellwetherError {
  switch (reason) {
    case 'notLeader':
      return elsewhere();
    case 'notEnoughReplicas':
      return notEnoughReplicas(subject);
    case 'tooManyReads':
      return new BellwetherError('TOO_MANY_READS', `too many reads of ${nameOf(subject)} wait for a quorum`, {
        metadata: metadataOf(subject),
      });
    default:
      return unreachable(reason);
  }
}

/** A leader that still leads had no answer of a quorum in time. */
export function readTimedOut(subject: Subject, timeoutMs: number): BellwetherError {
  const timeout = String(Math.round(timeoutMs));
  return new BellwetherError(
    'REQUEST_TIMEOUT',
    `no quorum of ${nameOf(subject)} confirmed its leader within ${timeout} ms`,
    { metadata: { ...metadataOf(subject), timeout_ms: timeout } },
  );
}

function notEnoughReplicas(subject: Subject): BellwetherError {
  return new BellwetherError(
    'NOT_ENOUGH_REPLICAS',
    `the leader of ${nameOf(subject)} does not hear from a quorum of its replicas`,
    { metadata: metadataOf(subject) },
  );
}

/** Nothing can be read at `offset`: it is not in [log start, `end`]. */
export function offsetOutOfRange(
  subject: Subject,
  log: { readonly logStartOffset: number; readonly logEndOffset: number; readonly highWatermark: number },
  offset: number,
  end: number,
): BellwetherError {
  const { logStartOffset, logEndOffset, highWatermark } = log;
  return new BellwetherError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${String(offset)} of ${nameOf(subject)} is not in [${String(logStartOffset)}, ${String(end)}]`,
    {
      metadata: {
        ...metadataOf(subject),
        offset: String(offset),
        log_start_offset: String(logStartOffset),
        log_end_offset: String(logEndOffset),
        high_watermark: String(highWatermark),
      },
    },
  );
}

/** Fewer replicas are in sync than the topic asks for. */
export function notEnoughInSync(subject: Subject, inSync: number, needed: number): BellwetherError {
  return new BellwetherError(
    'NOT_ENOUGH_REPLICAS',
    `${nameOf(subject)} has ${String(inSync)} replicas in sync, and its topic asks for ${String(needed)}`,
    {
      metadata: {
        ...metadataOf(subject),
        in_sync_replicas: String(inSync),
        min_insync_replicas: String(needed),
      },
    },
  );
}

/** A broken invariant, or whatever else nobody foresaw, as an error with its stack. */
export function asDefect(cause: unknown): BellwetherError {
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new BellwetherError('INTERNAL', text, { cause });
}

export function isStopping(broker: BrokerId): BellwetherError {
  return new BellwetherError('SHUTTING_DOWN', `broker ${broker} is stopping`, { metadata: { broker } });
}

/** The answer of a broker that has failed to whoever asks it. */
export function hasFailed(broker: BrokerId, { reason }: BellwetherError): BellwetherError {
  const ofDisk = reason === 'STORAGE_FAILED' || reason === 'STORAGE_CORRUPT';
  return new BellwetherError(
    ofDisk ? 'STORAGE_FAILED' : 'SHUTTING_DOWN',
    `broker ${broker} has failed (${reason}) and awaits a restart`,
    { metadata: { broker, cause: reason } },
  );
}
