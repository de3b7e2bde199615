import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson, initialised } from '../harness.js';

describe('produce and fetch', () => {
  it('answer in the documented form, byte for byte', async () => {
    const bridge = await initialised();
    bridge.tell('c1', { type: 'produce', msg_id: 2, topic: 'orders', key: 'k', value: { a: [1, 'é'] } });
    bridge.tell('c1', { type: 'fetch', msg_id: 3, topic: 'orders', partition: 0, offset: 0 });
    expect(await bridge.nextLine()).toBe(
      '{"src": "n1", "dest": "c1", "body": {"type": "produce_ok", "in_reply_to": 2, "partition": 0, "offset": 0, "term": 1, "msg_id": 1}}',
    );
    expect(await bridge.nextLine()).toBe(
      '{"src": "n1", "dest": "c1", "body": {"type": "fetch_ok", "in_reply_to": 3, "records": [{"offset": 0, "key": "k", "value": {"a": [1, "é"]}, "timestamp": 1700000000000}], "high_watermark": 1, "msg_id": 2}}',
    );
    await bridge.finish();
  });

  it('keep the digits of numbers that JavaScript would round', async () => {
    const bridge = await initialised();
    const value = '{"big": 123456789012345678901234567890, "small": 1.50, "zero": -0, "huge": 1E400}';
    bridge.write(
      `{"src":"c1","dest":"n1","body":{"type":"produce","msg_id":2,"topic":"t","key":9007199254740993,"value":${value}}}`,
      '{"src":"c1","dest":"n1","body":{"type":"fetch","msg_id":3,"topic":"t","partition":0,"offset":0}}',
    );
    await bridge.nextLine();
    expect(await bridge.nextLine()).toContain(`"key": 9007199254740993, "value": ${value}, "timestamp"`);
    await bridge.finish();
  });

  it('serve values that are nested too deep for recursion', async () => {
    const bridge = await initialised();
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    bridge.write(
      `{"src":"c1","dest":"n1","body":{"type":"send","msg_id":2,"key":"k","msg":${deep}}}`,
      '{"src":"c1","dest":"n1","body":{"type":"poll","msg_id":3,"offsets":{"k":0}}}',
    );
    expect(await bridge.nextLine()).toContain('"send_ok"');
    expect(await bridge.nextLine()).toContain(`"msgs": {"k": [[0, ${deep}]]}`);
    await bridge.finish();
  });

  it('answer offset -1 with acks 0, and null for an absent key', async () => {
    const bridge = await initialised();
    const record = { type: 'produce', topic: 't', value: 'v', acks: 0 };
    expect(await bridge.ask(record)).toMatchObject({ type: 'produce_ok', offset: -1 });
    const fetched = await bridge.ask({ type: 'fetch', topic: 't', partition: 0, offset: 0 });
    expect(fetched['records']).toMatchObject([{ key: null, value: 'v' }]);
    await bridge.finish();
  });

  it('read at most max_records', async () => {
    const bridge = await initialised();
    for (const value of [1, 2, 3]) await bridge.ask({ type: 'produce', topic: 't', value });
    const request = { type: 'fetch', topic: 't', partition: 0, offset: 1, max_records: 1 };
    expect(await bridge.ask(request)).toMatchObject({
      records: [{ offset: 1, value: 2 }],
      high_watermark: 3,
    });
    await bridge.finish();
  });

  it('refuse what is not there, each with its code', async () => {
    const bridge = await initialised();
    const fetch = { type: 'fetch', topic: 't', partition: 0, offset: 0 };
    expect(await bridge.ask(fetch)).toMatchObject({ code: 20, reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(bridge.cluster.callsOf('createTopic')).toEqual([]);
    await bridge.ask({ type: 'produce', topic: 't', value: 1 });
    expect(await bridge.ask({ ...fetch, partition: 1 })).toMatchObject({ code: 20 });
    expect(await bridge.ask({ ...fetch, partition: -1 })).toMatchObject({ code: 12 });
    expect(await bridge.ask({ ...fetch, offset: 9 })).toMatchObject({
      code: 12,
      reason: 'OFFSET_OUT_OF_RANGE',
    });
    expect(await bridge.ask({ type: 'produce', topic: 't', partition: 1, value: 1 })).toMatchObject({
      code: 20,
    });
    expect(await bridge.ask({ type: 'produce', topic: 'u', partition: 64, value: 1 })).toMatchObject({
      code: 20,
    });
    expect(await bridge.ask({ type: 'produce', topic: 'u', partition: 2 ** 31, value: 1 })).toMatchObject({
      code: 12,
    });
    await bridge.finish();
  });

  it('bring back any JSON value and key as they went in', async () => {
    const bridge = await initialised();
    await fc.assert(
      fc.asyncProperty(anyJson, anyJson, async (key, value) => {
        const { offset } = await bridge.ask({ type: 'produce', topic: 't', key, value });
        const fetched = await bridge.ask({ type: 'fetch', topic: 't', partition: 0, offset });
        expect(fetched['records']).toMatchObject([{ offset, key, value }]);
      }),
    );
    await bridge.finish();
  });
});
