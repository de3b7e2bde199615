import { describe, expect, it } from 'vitest';
import { ClientStreams, OpenStreams, type ClientStream } from '../../src/broker/client-streams.js';
import { LIMITS } from '../../src/broker/limits.js';
import { isStopping } from '../../src/broker/refusals.js';
import type { BellwetherError } from '../../src/errors.js';
import { rejection } from './outcomes.js';

class Stream implements ClientStream {
  readonly ends: string[] = [];

  stop(error: BellwetherError): void {
    this.ends.push(`stop ${error.reason}`);
  }

  fail(error: BellwetherError): void {
    this.ends.push(`fail ${error.reason}`);
  }
}

describe('OpenStreams', () => {
  it('takes so many and no more, and another when one has left', () => {
    const streams = new OpenStreams('produce', 2);
    const leave = streams.add(new Stream());
    streams.add(new Stream());
    expect(() => streams.add(new Stream())).toThrow('this broker serves 2 produce streams already');
    leave();
    leave();
    streams.add(new Stream());
    expect(streams.count).toBe(2);
  });

  it('tells those that are open of the end of the broker, and takes none after it', () => {
    const streams = new OpenStreams('consume', 2);
    const [gone, open] = [new Stream(), new Stream()];
    streams.add(gone)();
    streams.add(open);
    streams.stop(isStopping('n1'));
    expect([gone.ends, open.ends]).toEqual([[], ['stop SHUTTING_DOWN']]);
    expect(() => streams.add(new Stream())).toThrow('broker n1 is stopping');
  });
});

describe('ClientStreams', () => {
  it('counts bytes while they are held, and refuses what is too much, but not one alone', async () => {
    const streams = new ClientStreams();
    await streams.whileHeld(LIMITS.unansweredBytesMax + 1, async () => {
      const more = rejection(streams.whileHeld(1, () => Promise.resolve()));
      expect((await more).reason).toBe('UNANSWERED_BYTES_EXCEEDED');
    });
    await streams.whileHeld(1, () => Promise.resolve());
    expect(streams.unansweredBytes).toBe(0);
  });
});
