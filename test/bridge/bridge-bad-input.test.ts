import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialised, LEADER_LINE } from './harness.js';

const request = (body: string) => `{"src":"c1","dest":"n1","body":${body}}`;

describe('bad input', () => {
  it.each([
    ['broken JSON', '{"src":"c1",', 'a line is not JSON'],
    ['JSON that is no object', '[1]', 'a line is not a JSON object'],
    ['null', 'null', 'a line is not a JSON object'],
    ['deep nesting', '['.repeat(500_000), 'a line is not JSON'],
    ['no src', '{"dest":"n1","body":{"type":"init","msg_id":1}}', 'src: must be a string'],
    ['src of another type', '{"src":7,"dest":"n1","body":{"msg_id":1}}', 'src: must be a string'],
    ['no body', '{"src":"c1","dest":"n1"}', 'body: must be an object'],
    ['a body that is a list', request('[]'), 'body: must be an object'],
    ['no msg_id', request('{"type":"poll"}'), 'body.msg_id: must be an integer from 0 (poll from c1)'],
    ['a negative msg_id', request('{"type":"poll","msg_id":-1}'), 'body.msg_id: must be an integer from 0'],
    [
      'a fractional msg_id',
      request('{"type":"poll","msg_id":1.5}'),
      'body.msg_id: must be an integer from 0',
    ],
    ['a huge msg_id', request('{"type":"poll","msg_id":9007199254740993}'), 'body.msg_id: must be'],
    [
      'a msg_id in a string',
      request('{"type":"poll","msg_id":"1"}'),
      'body.msg_id: must be an integer from 0',
    ],
    ['an answer nobody asked for', request('{"type":"init_ok","msg_id":1}'), 'answers nothing'],
    ['an error', request('{"type":"error","msg_id":1,"code":10,"text":"no"}'), 'answers nothing'],
    ['an unknown reply', request('{"type":"x","msg_id":1,"in_reply_to":0}'), 'answers nothing'],
    ['an empty line', '', 'an empty line was ignored'],
    ['a line that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'is not valid UTF-8'],
    [
      'a line of 10 MB',
      Buffer.alloc(10_000_000, 'x'),
      'the line has more than 1048576 bytes, and was dropped; nobody to answer',
    ],
  ])(
    'with nobody to answer is one log line, and the next line is served: %s',
    async (_name, line, logged) => {
      const bridge = await initialised();
      bridge.write(line, LEADER_LINE);
      expect((await bridge.nextReply()).body).toMatchObject({ type: 'partition_leader_ok', msg_id: 1 });
      expect(await bridge.finish()).toHaveLength(2);
      expect(bridge.logged).toHaveLength(1);
      expect(bridge.logged[0]).toContain(logged);
      expect(bridge.logged[0]?.length).toBeLessThanOrEqual(500);
    },
  );

  it.each([
    ['no dest', '{"src":"c1","body":{"type":"poll","msg_id":2}}', 12, 'dest: must be a string'],
    ['no type', request('{"msg_id":2}'), 12, 'body.type: must be a string'],
    ['type of another type', request('{"type":7,"msg_id":2}'), 12, 'body.type: must be a string'],
    ['unknown type', request('{"type":"fly","msg_id":2}'), 10, 'body.type: "fly" is not served'],
    [
      'a type of Object.prototype',
      request('{"type":"constructor","msg_id":2}'),
      10,
      'body.type: "constructor"',
    ],
    [
      'a missing field',
      request('{"type":"partition_leader","msg_id":2,"topic":"t"}'),
      12,
      'body.partition: is miss',
    ],
    [
      'an empty topic',
      request('{"type":"partition_leader","msg_id":2,"topic":"","partition":0}'),
      12,
      'body.topic: ',
    ],
    [
      'a negative partition',
      request('{"type":"produce","msg_id":2,"topic":"t","partition":-1,"value":1}'),
      12,
      'body.',
    ],
  ])('with somebody to answer is an error body that names the field: %s', async (_name, line, code, text) => {
    const bridge = await initialised();
    bridge.write(line, LEADER_LINE);
    const reply = await bridge.nextReply();
    expect(reply).toMatchObject({ src: 'n1', dest: 'c1', body: { type: 'error', in_reply_to: 2, code } });
    expect(reply.body['text']).toContain(text);
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'partition_leader_ok' });
    await bridge.finish();
    expect(bridge.logged).toEqual([]);
  });

  it.each([
    [
      'before',
      (value: string) =>
        `{"src":"c1","dest":"n1","body":{"type":"send","msg_id":2,"key":"k","msg":${value}}}`,
    ],
    [
      'behind',
      (value: string) =>
        `{"body":{"msg":${value},"key":"k","msg_id":2,"type":"send"},"dest":"n1","src":"c1"}`,
    ],
  ])('a line that is too long is answered, with who is to be answered %s the bulk', async (_, line) => {
    const bridge = await initialised();
    const bulk = JSON.stringify({ src: 'c9', body: { msg_id: 7, text: '"src": "c8", '.repeat(100_000) } });
    bridge.write(line(bulk), LEADER_LINE);
    expect(await bridge.nextReply()).toMatchObject({
      src: 'n1',
      dest: 'c1',
      body: { type: 'error', in_reply_to: 2, code: 12, reason: 'INVALID_REQUEST', outcome: 'NOT_APPLIED' },
    });
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'partition_leader_ok' });
    await bridge.finish();
    expect(bridge.logged).toEqual([]);
  });

  it('has error bodies in the documented form: code and text, then reason and outcome', async () => {
    const bridge = await initialised();
    bridge.write(request('{"type":"fly","msg_id":2}'));
    expect(await bridge.nextLine()).toBe(
      '{"src": "n1", "dest": "c1", "body": {"type": "error", "in_reply_to": 2, "code": 10, "text": "body.type: \\"fly\\" is not served", "reason": "INVALID_REQUEST", "outcome": "NOT_APPLIED", "msg_id": 1}}',
    );
    await bridge.finish();
  });

  it('never puts more than one line into the log for one line of input', async () => {
    const bridge = await initialised();
    bridge.write('{"src": "a\\nb\\u001b[31m", "body": {"type": "x"}}');
    await bridge.finish();
    expect(bridge.logged).toEqual([
      'body.msg_id: must be an integer from 0 (x from a\\u000ab\\u001b[31m); nobody to answer, ignored',
    ]);
  });

  it('of any bytes leaves the bridge serving the next line', async () => {
    const bridge = await initialised();
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => array.filter((byte) => byte !== 0x0a));
    const almost = fc.json().map((json) => Buffer.from(request(json)));
    const field = fc.constantFrom('type', 'msg_id', 'topic', 'partition', 'value', 'offsets', 'keys', 'acks');
    const type = fc.constantFrom('init', 'produce', 'fetch', 'poll', 'commit_offsets', 'partition_failover');
    const body = fc.tuple(type, fc.dictionary(field, fc.jsonValue()));
    const typed = body.map(([name, fields]) =>
      Buffer.from(request(JSON.stringify({ ...fields, type: name }))),
    );
    let msgId = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, almost, typed), async (line) => {
        msgId++;
        const before = bridge.lines.length + bridge.logged.length;
        bridge.write(line, request(`{"type":"list_committed_offsets","msg_id":${msgId},"keys":[]}`));
        const last = `"list_committed_offsets_ok", "in_reply_to": ${msgId},`;
        await bridge.until(() => bridge.lines.at(-1)?.includes(last) === true);
        expect(bridge.lines.length + bridge.logged.length).toBe(before + 2);
      }),
      { numRuns: 300 },
    );
    await bridge.finish();
  });
});
