import { describe, expect, it } from 'vitest';
import {
  AppendEntriesRequest,
  AppendEntriesResponse,
  type GroupSnapshot,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup } from '../../src/broker/peer-port.js';
import { LIMITS } from '../../src/broker/limits.js';
import { BellwetherError } from '../../src/errors.js';
import type { Replication, ReplicationReply, SnapshotReply } from '../../src/raft/messages.js';
import { asGroupId, asLogIndex, asTerm } from '../../src/raft/types.js';
import {
  repliesFromWire,
  repliesToWire,
  replicationFromWire,
  replicationToWire,
} from '../../src/rpc/convert-snapshot.js';
import { append, entry } from '../raft/make.js';

const OF_SNAPSHOT = {
  term: asTerm(7),
  snapshotIndex: asLogIndex(4_294_967_299),
  snapshotTerm: asTerm(6),
  checksum: 0xffff_fffe,
};

function chunk(text: string): InGroup<Replication> {
  return {
    group: asGroupId(12),
    message: {
      kind: 'installSnapshot',
      from: 'n1',
      to: 'n2',
      ...OF_SNAPSHOT,
      membership: { voters: ['n3', 'n1'], learners: ['n2'] },
      totalBytes: 1_000,
      offset: 100,
      chunk: new TextEncoder().encode(text),
    },
  };
}

function sent(messages: readonly InGroup<Replication>[]): AppendEntriesRequest {
  const request = { sender: undefined, ...replicationToWire(messages), announcements: [] };
  return AppendEntriesRequest.decode(AppendEntriesRequest.encode(request).finish());
}

function arrived(messages: readonly InGroup<Replication>[]): InGroup<Replication>[] {
  return replicationFromWire('n1', 'n2', sent(messages)).map(({ group, message }) => ({
    group,
    message:
      message.kind === 'installSnapshot' ? { ...message, chunk: Uint8Array.from(message.chunk) } : message,
  }));
}

/** What a broker makes of a chunk that was changed on its way. */
function refusalOf(changes: Partial<GroupSnapshot>): BellwetherError {
  const request = sent([chunk('bytes')]);
  const snapshots = request.snapshots.map((snapshot) => ({ ...snapshot, ...changes }));
  try {
    replicationFromWire('n1', 'n2', { appends: [], snapshots });
  } catch (error) {
    if (error instanceof BellwetherError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('chunks of snapshots', () => {
  it('arrive as they were sent, the first and empty one too', () => {
    expect(arrived([chunk('some bytes'), chunk('')])).toEqual([chunk('some bytes'), chunk('')]);
  });

  it('travel beside appends', () => {
    const entries = { group: asGroupId(3), message: append({ term: 2, entries: [entry(1, 2)] }) };
    const request = sent([chunk('a'), entries, chunk('b')]);
    expect([request.appends.length, request.snapshots.length]).toEqual([1, 2]);
    const kinds = replicationFromWire('n1', 'n2', request).map(({ message }) => message.kind);
    expect(kinds).toEqual(['append', 'installSnapshot', 'installSnapshot']);
  });

  it('may be as large as the bound, and no larger', () => {
    const totalBytes = 2 * LIMITS.snapshotChunkBytesMax;
    const fits = { ...sent([chunk('')]).snapshots[0]!, totalBytes };
    fits.chunk = new Uint8Array(LIMITS.snapshotChunkBytesMax);
    expect(replicationFromWire('n1', 'n2', { appends: [], snapshots: [fits] })).toHaveLength(1);
    const over = new Uint8Array(LIMITS.snapshotChunkBytesMax + 1);
    expect(refusalOf({ totalBytes, chunk: over }).metadata['field']).toBe('chunk');
  });

  it.each<[string, Partial<GroupSnapshot>]>([
    ['offset', { offset: -1 }],
    ['offset', { offset: 996 }],
    ['total_bytes', { totalBytes: -1 }],
    ['voters', { voters: ['n1'], learners: ['n1'] }],
    ['voters', { voters: [''] }],
    ['voters', { voters: Array.from({ length: LIMITS.groupMembersMax }, (_, i) => `m${String(i)}`) }],
  ])('are refused with a %s that makes no sense', (field, changes) => {
    const { reason, metadata } = refusalOf(changes);
    expect([reason, metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  });
});

describe('answers to chunks', () => {
  const answer = (installed: boolean): InGroup<SnapshotReply> => ({
    group: asGroupId(12),
    message: { kind: 'snapshotReply', from: 'n2', to: 'n1', ...OF_SNAPSHOT, receivedBytes: 105, installed },
  });

  it('arrive as they were sent, beside answers to appends', () => {
    const accepted: InGroup<ReplicationReply> = {
      group: asGroupId(3),
      message: {
        kind: 'appendReply',
        from: 'n2',
        to: 'n1',
        term: asTerm(7),
        readRound: 0,
        accepted: true,
        matchIndex: asLogIndex(9),
        commitIndex: asLogIndex(8),
      },
    };
    const bytes = AppendEntriesResponse.encode(repliesToWire([answer(false), accepted, answer(true)]));
    const response = AppendEntriesResponse.decode(bytes.finish());
    expect(repliesFromWire('n2', 'n1', response)).toEqual([accepted, answer(false), answer(true)]);
  });

  it('are refused with a count of bytes that makes no sense', () => {
    const response = repliesToWire([answer(false)]);
    response.snapshotReplies[0]!.receivedBytes = -5;
    expect(() => repliesFromWire('n2', 'n1', response)).toThrow('received_bytes');
  });
});
