/** UTF-8 without TextEncoder and TextDecoder, which pure code cannot see. Pure. */

const REPLACEMENT = 0xfffd;

/** Code units handed to one String.fromCharCode call: more arguments could overflow the stack. */
const UNITS_PER_CALL_MAX = 4096;

/** Size in bytes of `text` in UTF-8. */
export function utf8Size(text: string): number {
  let sizeBytes = 0;
  for (let at = 0; at < text.length; at++) {
    const point = codePointAt(text, at);
    if (point > 0xffff) at++;
    sizeBytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return sizeBytes;
}

/**
 * Writes `text` into `bytes` from `position` and returns the position after it. There must be room
 * for `utf8Size(text)` bytes. A lone surrogate becomes U+FFFD.
 */
export function writeUtf8(bytes: Uint8Array, position: number, text: string): number {
  let next = position;
  for (let at = 0; at < text.length; at++) {
    const point = codePointAt(text, at);
    if (point < 0x80) {
      bytes[next++] = point;
    } else if (point < 0x800) {
      bytes[next++] = 0xc0 | (point >> 6);
      bytes[next++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      bytes[next++] = 0xe0 | (point >> 12);
      bytes[next++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[next++] = 0x80 | (point & 0x3f);
    } else {
      bytes[next++] = 0xf0 | (point >> 18);
      bytes[next++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[next++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[next++] = 0x80 | (point & 0x3f);
      at++;
    }
  }
  return next;
}

/** `text` in UTF-8. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Size(text));
  writeUtf8(bytes, 0, text);
  return bytes;
}

/**
 * The text of `bytes`. Never fails: each maximal invalid part becomes one U+FFFD, as the WHATWG
 * Encoding Standard's UTF-8 decoder does (section 8.1.1). A byte order mark is kept.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  // No sequence yields more code units than it has bytes.
  const units = new Uint16Array(bytes.length);
  let count = 0;
  let position = 0;
  while (position < bytes.length) {
    const lead = bytes[position++] ?? 0;
    if (lead < 0x80) {
      units[count++] = lead;
      continue;
    }
    const following = followingBytes(lead);
    let point = following === 0 ? REPLACEMENT : lead & (0x3f >> following);
    for (let nth = 0; nth < following; nth++) {
      const byte = bytes[position] ?? 0;
      if (!continues(lead, nth, byte)) {
        point = REPLACEMENT;
        break;
      }
      point = (point << 6) | (byte & 0x3f);
      position++;
    }
    if (point > 0xffff) {
      units[count++] = 0xd800 | ((point - 0x10000) >> 10);
      units[count++] = 0xdc00 | (point & 0x3ff);
    } else {
      units[count++] = point;
    }
  }
  return textOf(units.subarray(0, count));
}

/** The code point at `at`, with U+FFFD for a surrogate that has no partner. */
function codePointAt(text: string, at: number): number {
  const point = text.codePointAt(at) ?? REPLACEMENT;
  return point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point;
}

/** How many bytes follow `lead` in a valid sequence; 0 when `lead` cannot begin one. */
function followingBytes(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  if (lead >= 0xf0 && lead <= 0xf4) return 3;
  return 0;
}

/** Whether `byte` may be the `nth` byte after `lead`: bars overlong forms, surrogates and points beyond U+10FFFF. */
function continues(lead: number, nth: number, byte: number): boolean {
  if (nth > 0) return byte >= 0x80 && byte <= 0xbf;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const greatest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= least && byte <= greatest;
}

function textOf(units: Uint16Array): string {
  let text = '';
  for (let from = 0; from < units.length; from += UNITS_PER_CALL_MAX) {
    text += String.fromCharCode(...units.subarray(from, from + UNITS_PER_CALL_MAX));
  }
  return text;
}
