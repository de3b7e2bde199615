import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ReplyWriter } from '../../src/bridge/replies.js';
import { turn } from './harness.js';

const address = { src: 'n1', dest: 'c1', inReplyTo: 5 };
const reply = { type: 'x_ok', fields: { offset: 3 } };
const noBreak = (cause: string) => {
  expect.fail(`the output broke: ${cause}`);
};

describe('ReplyWriter', () => {
  it('writes type and in_reply_to, then the own fields, then msg_id counted from 0', async () => {
    const output = new PassThrough({ encoding: 'utf8' });
    const writer = new ReplyWriter(output, noBreak);
    await writer.write(address, reply);
    await writer.write({ ...address, dest: 'c2' }, { type: 'y_ok', fields: {} });
    expect(output.read()).toBe(
      '{"src": "n1", "dest": "c1", "body": {"type": "x_ok", "in_reply_to": 5, "offset": 3, "msg_id": 0}}\n' +
        '{"src": "n1", "dest": "c2", "body": {"type": "y_ok", "in_reply_to": 5, "msg_id": 1}}\n',
    );
  });

  it('waits with one set of listeners, however many replies wait', async () => {
    const output = new PassThrough({ highWaterMark: 1 });
    const writer = new ReplyWriter(output, noBreak);
    const before = output.listenerCount('drain');
    const writes = Array.from({ length: 20 }, () => writer.write(address, reply));
    expect(output.listenerCount('drain')).toBe(before + 1);
    output.resume();
    await Promise.all(writes);
    expect(output.listenerCount('drain')).toBe(before);
  });

  it('flushes: resolves when the output has taken everything', async () => {
    const takes: (() => void)[] = [];
    const output = new Writable({
      write: (_chunk, _encoding, done) => takes.push(done),
    });
    const writer = new ReplyWriter(output, noBreak);
    await writer.flush();
    await writer.write(address, reply);
    let isFlushed = false;
    const flushed = writer.flush().then(() => {
      isFlushed = true;
    });
    await turn();
    expect(isFlushed).toBe(false);
    takes.shift()?.();
    await turn();
    takes.shift()?.();
    await flushed;
  });

  it('says once that the output broke, writes no more, and lets nobody wait', async () => {
    const causes: string[] = [];
    const output = new PassThrough({ highWaterMark: 1 });
    const writer = new ReplyWriter(output, (cause) => causes.push(cause));
    const waiting = writer.write(address, reply);
    output.destroy(new Error('EPIPE'));
    await waiting;
    await writer.write(address, reply);
    await writer.flush();
    expect(causes).toEqual(['EPIPE']);
  });

  it('writes nothing once closed', async () => {
    const output = new PassThrough();
    const writer = new ReplyWriter(output, noBreak);
    writer.close();
    await writer.write(address, reply);
    expect(output.read()).toBeNull();
  });
});
