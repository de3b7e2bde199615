/** Faults come in turns, one at a time, and each is ended, also when the torment is. */
import { describe, expect, it } from 'vitest';
import { type Breakable, FAULTS, torment } from '../../src/verify/torment.js';

/** Writes down what is done to it. */
function notebook(): { readonly cluster: Breakable; readonly notes: string[] } {
  const notes: string[] = [];
  const cluster: Breakable = {
    brokers: ['n1', 'n2', 'n3'],
    begin: async (fault, broker) => void notes.push(`begin ${fault} ${broker}`),
    end: async (fault, broker) => void notes.push(`end ${fault} ${broker}`),
    whole: async () => {
      notes.push('whole');
      return true;
    },
  };
  return { cluster, notes };
}

describe('torment', () => {
  it('inflicts every kind, ends each before the next, and waits for the cluster to be whole', async () => {
    const { cluster, notes } = notebook();
    const stop = new AbortController();
    let begun = 0;
    const onFault = (now: unknown): void => {
      if (now !== undefined && ++begun === 7) stop.abort();
    };
    await torment({ cluster, faults: FAULTS, everyMs: 2, onFault, signal: stop.signal });
    const kinds = notes.filter((note) => note.startsWith('begin')).map((note) => note.split(' ')[1]);
    expect(kinds).toEqual(['kill', 'pause', 'cut', 'kill', 'pause', 'cut', 'kill']);
    for (let i = 0; i + 1 < notes.length; i += 3) {
      expect(notes[i + 1]).toBe(notes[i]?.replace('begin', 'end'));
      if (i + 2 < notes.length) expect(notes[i + 2]).toBe('whole');
    }
    expect(notes.length).toBe(7 * 3 - 1);
  });
});
