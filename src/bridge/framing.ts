/**
 * Owns the way from bytes to lines: bounded length, strict UTF-8, nothing kept of a line that is too long but whom to
 * answer.
 */
import { EnvelopeScan } from './envelope-scan.js';

/** Longest line that is served, in bytes, without its end of line. */
export const LINE_SIZE_MAX_BYTES = 1024 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line with text in it, what an answer to a line that is too long needs, or the reason why there is none. */
export type Frame =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'too_long'; readonly envelope: string }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Cuts chunks of bytes into lines. A line ends with LF or CRLF; the last one may end with the input.
 * Keeps at most LINE_SIZE_MAX_BYTES of an unfinished line.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  /** Of a line that is too long. */
  #skipped: EnvelopeScan | undefined;

  /** The lines that `chunk` completes. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(LINE_FEED, start);
      this.#add(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1) return;
      yield* this.#finish();
      start = end + 1;
    }
  }

  /** The last line, where it has no end of line. */
  *end(): Generator<Frame> {
    if (this.#sizeBytes > 0 || this.#skipped !== undefined) yield* this.#finish();
  }

  #add(part: Uint8Array): void {
    if (this.#skipped !== undefined) {
      this.#skipped.push(part);
      return;
    }
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#sizeBytes += part.length;
    if (this.#sizeBytes <= LINE_SIZE_MAX_BYTES) return;
    this.#skipped = new EnvelopeScan();
    for (const each of this.#parts) this.#skipped.push(each);
    this.#clear();
  }

  *#finish(): Generator<Frame> {
    const parts = this.#parts;
    const skipped = this.#skipped;
    this.#skipped = undefined;
    this.#clear();
    if (skipped === undefined) yield this.#decode(Buffer.concat(parts));
    else yield { kind: 'too_long', envelope: skipped.envelope() };
  }

  #decode(bytes: Uint8Array): Frame {
    const line = bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
    let text: string;
    try {
      text = this.#decoder.decode(line);
    } catch {
      return { kind: 'unusable', why: `a line of ${line.length} bytes is not valid UTF-8` };
    }
    if (text.trim() === '') return { kind: 'unusable', why: 'an empty line was ignored' };
    return { kind: 'line', text };
  }

  #clear(): void {
    this.#parts = [];
    this.#sizeBytes = 0;
  }
}

/** The lines of a stream, read only as fast as they are taken. Rejects when the stream fails. */
export async function* readFrames(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<Frame> {
  const splitter = new LineSplitter();
  for await (const chunk of input) {
    yield* splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }
  yield* splitter.end();
}
