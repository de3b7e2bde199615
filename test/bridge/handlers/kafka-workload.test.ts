import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BellwetherError } from '../../../src/errors.js';
import { failure } from '../fake-cluster.js';
import { anyJson, initialised } from '../harness.js';

describe("Maelstrom's kafka workload", () => {
  it('answers with exactly the fields of doc/workloads.md', async () => {
    const bridge = await initialised();
    const ok = (type: string, fields: object, msgId: number) => ({
      type,
      in_reply_to: 2,
      ...fields,
      msg_id: msgId,
    });
    expect(await bridge.ask({ type: 'send', key: 'k1', msg: 9 })).toEqual(ok('send_ok', { offset: 0 }, 1));
    expect(await bridge.ask({ type: 'send', key: 'k1', msg: 5 })).toEqual(ok('send_ok', { offset: 1 }, 2));
    expect(await bridge.ask({ type: 'poll', offsets: { k1: 0, k2: 0 } })).toEqual(
      ok('poll_ok', { msgs: { k1: [[0, 9], [1, 5]] } }, 3), // prettier-ignore
    );
    expect(await bridge.ask({ type: 'commit_offsets', offsets: { k1: 1 } })).toEqual(
      ok('commit_offsets_ok', {}, 4),
    );
    expect(await bridge.ask({ type: 'list_committed_offsets', keys: ['k1', 'k2'] })).toEqual(
      ok('list_committed_offsets_ok', { offsets: { k1: 1 } }, 5),
    );
    await bridge.finish();
  });

  it('stores as committed the next offset to read, in the group "maelstrom"', async () => {
    const bridge = await initialised();
    await bridge.ask({ type: 'send', key: 'a b', msg: 1 });
    await bridge.ask({ type: 'commit_offsets', offsets: { 'a b': 0 } });
    expect([...bridge.cluster.committed]).toEqual([['maelstrom/maelstrom.a_20b/0', 1]]);
    await bridge.finish();
  });

  it('polls from the asked offset on without gaps, and [] beyond the end', async () => {
    const bridge = await initialised();
    for (const msg of ['a', 'b', 'c']) await bridge.ask({ type: 'send', key: 'k', msg });
    const poll = async (offset: number) =>
      (await bridge.ask({ type: 'poll', offsets: { k: offset } }))['msgs'];
    expect(await poll(1)).toEqual({ k: [[1, 'b'], [2, 'c']] }); // prettier-ignore
    expect(await poll(3)).toEqual({ k: [] });
    expect(await poll(1000)).toEqual({ k: [] });
    await bridge.finish();
  });

  it('answers 12 for an offset that is below the log start, where it would wait for ever', async () => {
    const bridge = await initialised();
    bridge.cluster.gate = () => {
      const metadata = { log_start_offset: '10', log_end_offset: '20' };
      throw new BellwetherError('OFFSET_OUT_OF_RANGE', 'from 10 to 20', { metadata });
    };
    expect(await bridge.ask({ type: 'poll', offsets: { k: 9 } })).toMatchObject({ code: 12 });
    expect((await bridge.ask({ type: 'poll', offsets: { k: 21 } }))['msgs']).toEqual({ k: [] });
    await bridge.finish();
  });

  it('stops reading keys once an answer is large, so that its size is bounded', async () => {
    const bridge = await initialised();
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (const key of keys) await bridge.ask({ type: 'send', key, msg: 'x'.repeat(300 * 1024) });
    const offsets = Object.fromEntries(keys.map((key) => [key, 0]));
    const { msgs } = await bridge.ask({ type: 'poll', offsets });
    expect(Object.keys(msgs as object)).toEqual(keys.slice(0, 4));
    await bridge.finish();
  });

  it('ignores unknown keys in commits and lists, and serves the known ones beside them', async () => {
    const bridge = await initialised();
    await bridge.ask({ type: 'send', key: 'known', msg: 1 });
    const commit = { type: 'commit_offsets', offsets: { unknown: 5, known: 0 } };
    expect(await bridge.ask(commit)).toMatchObject({ type: 'commit_offsets_ok' });
    const list = { type: 'list_committed_offsets', keys: ['unknown', 'known'] };
    expect((await bridge.ask(list))['offsets']).toEqual({ known: 0 });
    expect(await bridge.ask({ type: 'commit_offsets', offsets: {} })).toMatchObject({
      type: 'commit_offsets_ok',
    });
    expect((await bridge.ask({ type: 'list_committed_offsets', keys: [] }))['offsets']).toEqual({});
    expect([...bridge.cluster.topics.keys()]).toEqual(['maelstrom.known']);
    await bridge.finish();
  });

  it('leaves out a key of which nothing was processed', async () => {
    const bridge = await initialised();
    await bridge.ask({ type: 'send', key: 'k', msg: 1 });
    bridge.cluster.committed.set('maelstrom/maelstrom.k/0', 0);
    expect((await bridge.ask({ type: 'list_committed_offsets', keys: ['k'] }))['offsets']).toEqual({});
    await bridge.finish();
  });

  it('answers a failed commit with the indefinite code 13, whatever the reason (trap 2)', async () => {
    const bridge = await initialised();
    await bridge.ask({ type: 'send', key: 'k', msg: 1 });
    for (const reason of [
      'NO_LEADER',
      'NOT_LEADER',
      'SHUTTING_DOWN',
      'REQUEST_TIMEOUT',
      'INVALID_REQUEST',
    ] as const) {
      bridge.cluster.gate = () => {
        throw failure(reason);
      };
      const commit = { type: 'commit_offsets', offsets: { k: 0 } };
      expect(await bridge.ask(commit)).toMatchObject({ type: 'error', code: 13, reason });
    }
    await bridge.finish();
  });

  it('answers a failed send with 11 only when nothing was appended (trap 4)', async () => {
    const bridge = await initialised();
    const codes: unknown[] = [];
    for (const reason of ['NO_LEADER', 'NOT_ENOUGH_REPLICAS', 'LEADERSHIP_LOST', 'COMMIT_TIMEOUT'] as const) {
      bridge.cluster.gate = () => {
        throw failure(reason);
      };
      codes.push((await bridge.ask({ type: 'send', key: 'k', msg: 1 }))['code']);
    }
    expect(codes).toEqual([11, 11, 13, 13]);
    await bridge.finish();
  });

  it('brings back any message under any key', async () => {
    const bridge = await initialised();
    const key = fc.string({ unit: 'grapheme', maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(key, anyJson, async (name, msg) => {
        const { offset } = await bridge.ask({ type: 'send', key: name, msg });
        const offsets: unknown = JSON.parse(`{${JSON.stringify(name)}: ${String(offset)}}`);
        const { msgs } = await bridge.ask({ type: 'poll', offsets });
        expect(Object.entries(msgs as object)).toEqual([[name, [[offset, msg]]]]);
      }),
    );
    await bridge.finish();
  });
});
