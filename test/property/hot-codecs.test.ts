/**
 * The hand-made codecs of the hot paths against the generated ones: the same messages from the same bytes, whatever
 * the bytes are, and bytes that mean the same message.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AppendEntriesRequest, AppendEntriesResponse } from '../../gen/bellwether/raft/v1/raft_service.js';
import { Acks, ProduceStreamRequest, ProduceStreamResponse } from '../../gen/bellwether/v1/log_service.js';
import { decodeAppendEntries } from '../../src/rpc/append-codec.js';
import { decodeAppendReplies, encodeAppendReplies } from '../../src/rpc/append-reply-codec.js';
import {
  decodeProduceStreamRequest,
  decodeProduceStreamResponse,
  encodeProduceStreamResponse,
} from '../../src/wire/produce-stream-codec.js';

interface Generated<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(message: object): T;
}

/** Numbers as they are, and those that only the generated codecs read. */
const count = fc.oneof(
  { weight: 6, arbitrary: fc.nat() },
  { weight: 2, arbitrary: fc.maxSafeNat() },
  { weight: 1, arbitrary: fc.constantFrom(-1, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER) },
);
const int32 = fc.oneof({ weight: 6, arbitrary: fc.nat() }, { weight: 1, arbitrary: fc.constant(-1) });
/** Fields that brokers do not send with each record, now and then. */
const seldom = <T extends object>(fields: T) =>
  fc.option(fc.constant(fields), { freq: 9, nil: undefined }).map((of): Partial<T> => of ?? {});

const entry = fc.record({ term: int32, kind: int32, payload: fc.uint8Array({ maxLength: 300 }) });
const append = fc.record({
  ...{ groupId: count, term: int32, prevLogIndex: count, prevLogTerm: int32, leaderCommit: count },
  ...{ entries: fc.array(entry, { maxLength: 3 }), readRound: count },
});
const reply = fc.record({
  ...{ groupId: count, term: int32, accepted: fc.boolean(), matchIndex: count, commitIndex: count },
  ...{ hintIndex: count, hintTerm: int32, readRound: count },
});
const sender = seldom({ sender: { clusterId: 'c', brokerId: 'n1' } });
const requests = fc
  .tuple(
    fc.array(append, { maxLength: 3 }),
    sender,
    seldom({ announcements: [{ groupId: 1, leader: 'n2' }] }),
    seldom({ snapshots: [{ groupId: 2, chunk: new Uint8Array([1, 2]) }] }),
  )
  .map(([appends, ...others]) => AppendEntriesRequest.fromPartial(Object.assign({ appends }, ...others)));
const answers = fc
  .tuple(
    fc.array(reply, { maxLength: 3 }),
    sender,
    seldom({ snapshotReplies: [{ groupId: 3, installed: true }] }),
  )
  .map(([replies, ...others]) => AppendEntriesResponse.fromPartial(Object.assign({ replies }, ...others)));
const produces = fc
  .record({
    ...{ requestId: count, partition: int32, acks: fc.constantFrom(Acks.NONE, Acks.ALL), timeoutMs: int32 },
    ...{ topic: fc.string({ maxLength: 260, unit: 'binary' }), recordBatch: fc.uint8Array() },
  })
  .map((of) => ProduceStreamRequest.fromPartial(of));
const failure = seldom({ error: { code: 5, message: 'no' } });
const produced = fc
  .tuple(
    fc.record({
      requestId: count,
      baseOffset: count,
      term: int32,
      recordCount: int32,
      duplicate: fc.boolean(),
    }),
    failure,
  )
  .map(([of, failed]) => ProduceStreamResponse.fromPartial({ ...of, ...failed }));

const change = fc.record({ at: fc.nat(), cut: fc.nat(2), bytes: fc.uint8Array({ maxLength: 3 }) });

/** What bytes mean, or why they are refused. Bytes arrive as views of different classes. */
function meaning(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(
      JSON.stringify(decode(bytes), (_, value: unknown) =>
        value instanceof Uint8Array ? [...value] : value,
      ),
    );
  } catch (error) {
    return String(error);
  }
}

function decodesAsGenerated<T>(
  messages: fc.Arbitrary<T>,
  generated: Generated<T>,
  decode: (bytes: Uint8Array) => T,
): void {
  const sameMeaning = (bytes: Uint8Array): void => {
    expect(meaning(decode, bytes)).toEqual(meaning((all) => generated.decode(all), bytes));
  };
  fc.assert(
    fc.property(messages, change, (message, { at, cut, bytes: inserted }) => {
      const bytes = generated.encode(message).finish();
      sameMeaning(bytes);
      const changed = [...bytes];
      changed.splice(at % (changed.length + 1), cut, ...inserted);
      sameMeaning(Uint8Array.from(changed));
    }),
    { numRuns: 1_000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), sameMeaning), { numRuns: 1_000 });
}

function encodesAsGenerated<T>(
  messages: fc.Arbitrary<T>,
  generated: Generated<T>,
  encode: (message: T) => Uint8Array,
): void {
  fc.assert(
    fc.property(messages, (message) => {
      expect(Uint8Array.from(encode(message))).toEqual(Uint8Array.from(generated.encode(message).finish()));
    }),
  );
}

describe('the hand-made codec says the same as the generated one', () => {
  it('of appends, read', () => {
    decodesAsGenerated(requests, AppendEntriesRequest, decodeAppendEntries);
  });

  it('of answers to appends, read and written', () => {
    decodesAsGenerated(answers, AppendEntriesResponse, decodeAppendReplies);
    const sent = fc
      .record({ groupId: fc.nat(), term: fc.nat(), accepted: fc.boolean(), matchIndex: fc.maxSafeNat() })
      .chain((one) => sender.map((by) => AppendEntriesResponse.fromPartial({ replies: [one, one], ...by })));
    encodesAsGenerated(sent, AppendEntriesResponse, encodeAppendReplies);
  });

  it('of requests of a produce stream, read', () => {
    decodesAsGenerated(produces, ProduceStreamRequest, decodeProduceStreamRequest);
  });

  it('of answers of a produce stream, read and written', () => {
    decodesAsGenerated(produced, ProduceStreamResponse, decodeProduceStreamResponse);
    const sent = fc
      .tuple(
        fc.record({ requestId: fc.maxSafeNat(), baseOffset: count, term: fc.nat(), duplicate: fc.boolean() }),
        failure,
      )
      .map(([of, failed]) => ProduceStreamResponse.fromPartial({ ...of, ...failed }));
    encodesAsGenerated(sent, ProduceStreamResponse, encodeProduceStreamResponse);
  });
});
