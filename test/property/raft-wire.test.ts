/**
 * Raft messages on the wire: what was sent arrives, and bytes that were changed on their way are another
 * message or are refused; they never break an invariant of the broker that reads them.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AppendEntriesRequest, AppendEntriesResponse } from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup } from '../../src/broker/peer-port.js';
import { BellwetherError } from '../../src/errors.js';
import type { Replication, ReplicationReply } from '../../src/raft/messages.js';
import { asGroupId, asLogIndex, asTerm, type Term } from '../../src/raft/types.js';
import { encodeAppendEntries } from '../../src/rpc/append-codec.js';
import {
  repliesFromWire,
  repliesToWire,
  replicationFromWire,
  replicationToWire,
} from '../../src/rpc/convert-snapshot.js';
import { append, entry } from '../raft/make.js';

const index = fc.nat(1_000_000).map(asLogIndex);
const term = fc.nat(1_000).map((value): Term => asTerm(value));
const group = fc.nat(9).map(asGroupId);
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/);
const ofSnapshot = { snapshotIndex: index, snapshotTerm: term, checksum: fc.nat(0xffff_ffff) };

const oneAppend = fc.tuple(index, fc.nat(1_000), fc.nat(4)).map(([prev, at, count]): Replication => {
  const entries = Array.from({ length: count }, (_, i) => entry(prev + 1 + i, at + 1));
  return append({ term: at + 1, prev: [prev, at], commit: prev, entries });
});
const oneChunk = fc
  .record({
    ...ofSnapshot,
    term,
    members: fc.uniqueArray(name, { maxLength: 5 }),
    chunk: fc.uint8Array(),
    ahead: fc.nat(99),
  })
  .map(({ members, chunk, ahead, ...of }): Replication => ({
    kind: 'installSnapshot',
    from: 'n1',
    to: 'n2',
    ...of,
    membership: { voters: members.slice(0, 3), learners: members.slice(3) },
    totalBytes: chunk.length + 2 * ahead,
    offset: ahead,
    chunk,
  }));
const messages = fc.array(
  fc.tuple(group, fc.oneof(oneAppend, oneChunk)).map(([id, message]) => ({ group: id, message })),
  { maxLength: 5, size: 'max' },
);
const replies = fc.array(
  fc
    .record({ ...ofSnapshot, term, receivedBytes: fc.nat(), installed: fc.boolean() })
    .map((of): InGroup<ReplicationReply> => ({
      group: asGroupId(1),
      message: { kind: 'snapshotReply', from: 'n2', to: 'n1', ...of },
    })),
  { maxLength: 5, size: 'max' },
);
const mutation = fc.record({ at: fc.nat(1_000_000), byte: fc.nat(255), cut: fc.nat(2), count: fc.nat(2) });

function encoded(all: readonly InGroup<Replication>[]): Uint8Array {
  const request = { sender: undefined, ...replicationToWire(all), announcements: [] };
  const bytes = Uint8Array.from(encodeAppendEntries(request));
  const generated = AppendEntriesRequest.encode(request).finish();
  expect(AppendEntriesRequest.decode(bytes)).toEqual(AppendEntriesRequest.decode(generated));
  return bytes;
}

function plain(all: readonly InGroup<Replication>[]): unknown {
  // Bytes arrive as views of other classes.
  return JSON.parse(
    JSON.stringify(all, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value)),
  );
}

function mutated(
  bytes: Uint8Array,
  { at, byte, cut, count }: { at: number; byte: number; cut: number; count: number },
): Uint8Array {
  const changed = [...bytes];
  changed.splice(at % (changed.length + 1), cut, ...Array<number>(count).fill(byte));
  return Uint8Array.from(changed);
}

/** Reads bytes as a broker does: those that are no message at all are refused by the codec below. */
function readOrRefuse(decode: () => () => unknown): void {
  let convert: () => unknown;
  try {
    convert = decode();
  } catch {
    return;
  }
  try {
    convert();
  } catch (error) {
    expect(error).toBeInstanceOf(BellwetherError);
  }
}

describe('appends and chunks of snapshots', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(messages, (all) => {
        const arrived = replicationFromWire('n1', 'n2', AppendEntriesRequest.decode(encoded(all)));
        const sorted = [...all].sort((a, b) => a.message.kind.localeCompare(b.message.kind));
        expect(plain(arrived)).toEqual(plain(sorted));
      }),
    );
  });

  it('with other bytes are refused or read, and break nothing', () => {
    fc.assert(
      fc.property(messages, mutation, (all, change) => {
        readOrRefuse(() => {
          const request = AppendEntriesRequest.decode(mutated(encoded(all), change));
          return () => replicationFromWire('n1', 'n2', request);
        });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('answers to chunks', () => {
  it('arrive as they were sent, and with other bytes are refused or read', () => {
    fc.assert(
      fc.property(replies, mutation, (all, change) => {
        const bytes = AppendEntriesResponse.encode(repliesToWire(all)).finish();
        expect(repliesFromWire('n2', 'n1', AppendEntriesResponse.decode(bytes))).toEqual(all);
        readOrRefuse(() => {
          const response = AppendEntriesResponse.decode(mutated(bytes, change));
          return () => repliesFromWire('n2', 'n1', response);
        });
      }),
      { numRuns: 1_000 },
    );
  });
});
