import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../src/bridge/envelope.js';
import { EnvelopeScan } from '../../src/bridge/envelope-scan.js';

function scanned(text: string, pieceBytes = 7): string {
  const scan = new EnvelopeScan();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) scan.push(bytes.subarray(at, at + pieceBytes));
  return scan.envelope();
}

describe('EnvelopeScan', () => {
  it('finds in any message what parseEnvelope finds in the whole of it', () => {
    const field = fc.constantFrom(
      'src',
      'dest',
      'body',
      'type',
      'msg_id',
      'in_reply_to',
      'value',
      'sr\\c',
      '"',
    );
    const body = fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.nat(), fc.string()));
    const message = fc
      .tuple(fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.string(), body)), fc.option(body), fc.boolean())
      .map(([outer, inner, spaced]) => {
        const whole = inner === null ? outer : { ...outer, body: inner };
        return JSON.stringify(whole, undefined, spaced ? 2 : 0);
      });
    fc.assert(
      fc.property(message, fc.integer({ min: 1, max: 40 }), (text, pieceBytes) => {
        const whole = parseEnvelope(text);
        const found = parseEnvelope(scanned(text, pieceBytes));
        if (whole.kind === 'unanswerable') expect(found.kind).toBe('unanswerable');
        else {
          const { src, dest, msgId, type, isReply } = whole.request;
          expect(found).toMatchObject({ kind: 'request', request: { src, dest, msgId, type, isReply } });
        }
      }),
      { examples: [['{"src":"c1","body":{"msg_id":1,"in_reply_to":{}}}', 3]] },
    );
  });

  it('remembers no field that is long itself', () => {
    const text = `{"src":"${'x'.repeat(10_000)}","dest":"n1","body":{"msg_id":1}}`;
    expect(scanned(text).length).toBeLessThan(2_000);
    expect(parseEnvelope(scanned(text)).kind).toBe('unanswerable');
  });

  it.each(['', '[', '}}}', '"', '{"src"', 'null,null:{'])('takes %j for nobody', (text) => {
    expect(parseEnvelope(scanned(text)).kind).toBe('unanswerable');
  });
});
