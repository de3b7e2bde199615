import { status, type StatusObject } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { BellwetherError } from '../../src/errors.js';
import { adaptUnary } from '../../src/rpc/adapt.js';
import { adaptBidi, type BidiStream } from '../../src/rpc/adapt-bidi.js';
import { fromServiceError } from '../../src/wire/status.js';
import { chat, deferred, echo, serve, type TestService } from './test-service.js';

type Stream = BidiStream<string, string>;
type Ending = BellwetherError | undefined;

let service: TestService | undefined;
let defects: unknown[] = [];

async function serveBidi(
  handler: (stream: Stream) => void | Promise<void>,
  sendBufferBytesMax = 1_000_000,
): Promise<ReturnType<typeof chat>> {
  defects = [];
  const onDefect = (error: unknown): void => void defects.push(error);
  service = await serve({ chat: adaptBidi(handler, { onDefect, sendBufferBytesMax }) });
  return chat(service.client);
}

async function statusOf(call: ReturnType<typeof chat>): Promise<StatusObject> {
  return new Promise((resolve) => call.on('status', resolve));
}

function reasonOf(ended: StatusObject): string {
  return fromServiceError(ended).reason;
}

/** Serves a stream and returns the server's end of it together with the client's. */
async function openStream(sendBufferBytesMax?: number): Promise<{
  readonly call: ReturnType<typeof chat>;
  readonly stream: Stream;
  readonly endings: Ending[];
  readonly ended: Promise<Ending>;
}> {
  const opened = deferred<Stream>();
  const ended = deferred<Ending>();
  const endings: Ending[] = [];
  const call = await serveBidi((stream) => {
    stream.onClosed((error) => {
      endings.push(error);
      ended.resolve(error);
    });
    opened.resolve(stream);
  }, sendBufferBytesMax);
  return { call, stream: await opened.promise, endings, ended: ended.promise };
}

/** As `openStream`, with a unary method on the same connection, whose frames arrive in order. */
async function openStreamBesideEcho(): Promise<{
  readonly call: ReturnType<typeof chat>;
  readonly stream: Stream;
  /** Resolves when the server has what was written before. */
  readonly roundTrip: () => Promise<unknown>;
}> {
  const opened = deferred<Stream>();
  const { client } = (service = await serve({
    chat: adaptBidi(opened.resolve, { onDefect: unexpected, sendBufferBytesMax: 1 }),
    echo: adaptUnary(async (text: string) => text, { onDefect: unexpected }),
  }));
  const call = chat(client);
  call.resume();
  const stream = await opened.promise;
  return { call, stream, roundTrip: async () => echo(client, 'ping').answer };
}

afterEach(() => {
  service?.stop();
  service = undefined;
});

describe('adaptBidi', () => {
  it('passes messages on in order, both ways', async () => {
    const call = await serveBidi((stream) => {
      stream.onMessage((message) => stream.send(`${message}!`, message.length + 1));
    });
    const replies: string[] = [];
    const three = new Promise<void>((resolve) => {
      call.on('data', (reply: string) => {
        if (replies.push(reply) === 3) resolve();
      });
    });

    for (const message of ['a', 'b', 'c']) call.write(message);

    await three;
    expect(replies).toEqual(['a!', 'b!', 'c!']);
  });

  it('still sends after the client half-closed, until it closes', async () => {
    const { call, stream, ended } = await openStream();
    const received: string[] = [];
    stream.onMessage((message) => received.push(message));
    const replies: string[] = [];
    call.on('data', (reply: string) => replies.push(reply));

    call.write('question');
    call.end();
    await expect(ended).resolves.toBeUndefined();
    expect(stream.send('answer', 6)).toBe(true);
    stream.close();

    expect(await statusOf(call)).toMatchObject({ code: status.OK });
    expect([received, replies]).toEqual([['question'], ['answer']]);
  });

  it('reports a cancel once, as CONNECTION_LOST, and sends nothing afterwards', async () => {
    const { call, stream, endings, ended } = await openStream();

    call.cancel();

    expect((await ended)?.reason).toBe('CONNECTION_LOST');
    expect(stream.send('anyone?', 7)).toBe(false);
    stream.close();
    await new Promise(setImmediate);
    expect(endings).toHaveLength(1);
  });

  it('reports a cancel also while the client reads nothing, when drain would never fire', async () => {
    const { call, stream, ended } = await openStream(8_000_000);
    const block = 'x'.repeat(256 * 1024);
    for (let sent = 0; sent < 20; sent += 1) stream.send(block, block.length);
    expect(stream.bufferedBytes()).toBeGreaterThan(block.length);

    call.cancel();

    expect((await ended)?.reason).toBe('CONNECTION_LOST');
  });

  it('ends with the error that it is closed with, reason included, and once', async () => {
    const { call, stream, endings } = await openStream();
    call.resume();
    const ended = statusOf(call);

    stream.close(new BellwetherError('SHUTTING_DOWN', 'broker-1 stops'));
    stream.close(new BellwetherError('INTERNAL', 'not this one'));

    expect(reasonOf(await ended)).toBe('SHUTTING_DOWN');
    expect(endings.map((error) => error?.reason)).toEqual(['SHUTTING_DOWN']);
  });

  it('refuses a message beyond sendBufferBytesMax and closes the stream', async () => {
    const { call, stream, endings } = await openStream(1_000_000);
    const block = 'x'.repeat(300_000);

    const sent = [1, 2, 3, 4, 5].map(() => stream.send(block, block.length));

    expect(sent).toEqual([true, true, true, false, false]);
    expect(endings.map((error) => error?.reason)).toEqual(['CONNECTION_LOST']);
    call.resume();
    expect((await statusOf(call)).code).toBe(status.UNAVAILABLE);
  });

  it('counts bytes as sent once the connection has taken them', async () => {
    const { call, stream } = await openStream(1_000);
    const received = deferred<undefined>();
    let count = 0;
    call.on('data', () => {
      count += 1;
      if (count === 10) received.resolve(undefined);
      else stream.send('x'.repeat(900), 900);
    });

    stream.send('x'.repeat(900), 900);

    await received.promise;
    expect(stream.bufferedBytes()).toBe(0);
  });

  it('holds messages back while it is paused, and drops them once it is closed', async () => {
    const { call, stream, roundTrip } = await openStreamBesideEcho();
    const received: string[] = [];
    stream.onMessage((message) => {
      received.push(message);
      stream.pause();
    });
    for (const message of ['first', 'second', 'third']) call.write(message);

    await roundTrip();
    await roundTrip();
    expect(received).toEqual(['first']);
    stream.resume();
    await roundTrip();
    expect(received).toEqual(['first', 'second']);
    stream.close();
    await roundTrip();
    expect(received).toEqual(['first', 'second']);
  });

  it.each([
    ['the handler throws', () => raise()],
    ['the handler rejects', async () => Promise.reject(new TypeError('secret'))],
    ['the message listener throws', (stream: Stream) => stream.onMessage(raise)],
  ])('closes with INTERNAL and reports the defect when %s', async (_, handler) => {
    const call = await serveBidi(handler);
    call.resume();
    call.write('message');

    const ended = await statusOf(call);

    expect(ended.code).toBe(status.INTERNAL);
    expect(ended.details).not.toContain('secret');
    expect(defects).toEqual([expect.objectContaining({ message: 'secret' })]);
  });

  it('closes with the BellwetherError that the handler throws', async () => {
    const call = await serveBidi(() => {
      throw new BellwetherError('CLUSTER_MISMATCH', 'another cluster');
    });
    call.resume();
    expect(reasonOf(await statusOf(call))).toBe('CLUSTER_MISMATCH');
    expect(defects).toEqual([]);
  });

  it('tells a listener that is set late that the stream has ended', async () => {
    const opened = deferred<Stream>();
    const call = await serveBidi(opened.resolve);
    const stream = await opened.promise;
    stream.onMessage(() => undefined);
    call.end();
    await new Promise<void>((resolve) => {
      stream.onClosed(() => {
        resolve();
      });
    });
  });
});

function raise(): never {
  throw new TypeError('secret');
}

function unexpected(error: unknown): never {
  expect.fail(String(error));
}
