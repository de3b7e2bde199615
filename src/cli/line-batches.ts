/** Cuts a stream of bytes into lines, and lines into batches worth sending. */
import { BellwetherError } from '../errors.js';

/** Lines of one batch at most. */
export const BATCH_LINES_MAX = 5_000;

/** Bytes of one batch at most, but for a single longer line. */
export const BATCH_BYTES_MAX = 256 * 1024;

/**
 * Longest line in bytes: 1 MiB, the largest batch that a broker accepts, less the 61 bytes of its header and what a
 * record takes beside key and value. Whatever part of such a line is the key, the record fits.
 */
export const LINE_BYTES_MAX = 1_048_500;

/** How long a batch that is not full waits for more lines, in milliseconds. */
const LINGER_MS = 20;

const NEWLINE = 0x0a;

/**
 * Batches of at least one line each, line ends removed. A batch is given out when it is full, when the
 * input pauses, and at its end. Reads one chunk ahead.
 *
 * @param isCut - Asked at the end: true when the input was left in the middle, so that a last line without a line
 * end is a piece of one, and is not given out.
 * @throws BellwetherError RECORD_BATCH_TOO_LARGE at a line beyond LINE_BYTES_MAX, when every line before it was given
 * out.
 */
export async function* lineBatches(
  input: AsyncIterable<Uint8Array>,
  isCut: () => boolean = () => false,
): AsyncGenerator<Uint8Array[], void> {
  const chunks = input[Symbol.asyncIterator]();
  const splitter = new LineSplitter();
  let batch: Uint8Array[] = [];
  let sizeBytes = 0;
  let next = nextChunk(chunks);
  for (;;) {
    const chunk = batch.length === 0 ? await next : await within(next, LINGER_MS);
    if (chunk === undefined) {
      yield batch;
      [batch, sizeBytes] = [[], 0];
      continue;
    }
    if (chunk.done !== true) next = nextChunk(chunks);
    const rest = chunk.done === true && !isCut() ? splitter.end() : [];
    for (const line of chunk.done === true ? rest : splitter.lines(chunk.value)) {
      if (
        batch.length > 0 &&
        (batch.length >= BATCH_LINES_MAX || sizeBytes + line.length > BATCH_BYTES_MAX)
      ) {
        yield batch;
        [batch, sizeBytes] = [[], 0];
      }
      batch.push(line);
      sizeBytes += line.length;
    }
    if (chunk.done !== true && splitter.refusal === undefined) continue;
    if (batch.length > 0) yield batch;
    if (splitter.refusal !== undefined) throw splitter.refusal;
    return;
  }
}

/** Holds the beginning of a line whose end has not come yet. */
class LineSplitter {
  /** Of a line that is too long: neither it nor any line behind it is given out. */
  refusal: BellwetherError | undefined;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #lineNumber = 1;

  /** The lines that `chunk` completes. */
  *lines(chunk: Uint8Array): Generator<Uint8Array, void> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#hold(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1 || this.refusal !== undefined) return;
      yield this.#take();
      start = end + 1;
    }
  }

  /** The last line, when the input does not end with a line end. */
  end(): Uint8Array[] {
    return this.#sizeBytes > 0 ? [this.#take()] : [];
  }

  #hold(part: Uint8Array): void {
    this.#sizeBytes += part.length;
    if (this.#sizeBytes > LINE_BYTES_MAX) {
      const message = `line ${this.#lineNumber} of the input is longer than ${LINE_BYTES_MAX} bytes`;
      const metadata = { line: String(this.#lineNumber), size_max_bytes: String(LINE_BYTES_MAX) };
      this.refusal = new BellwetherError('RECORD_BATCH_TOO_LARGE', message, { metadata });
      return;
    }
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): Uint8Array {
    const [only] = this.#parts;
    const line = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#sizeBytes = 0;
    this.#lineNumber += 1;
    return line;
  }
}

/** Its failure is reported where it is awaited, which may be later. */
function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  const chunk = chunks.next();
  chunk.catch(() => undefined);
  return chunk;
}

/** What `promise` gives, or undefined when it takes longer than `waitMs`. */
async function within<T>(promise: Promise<T>, waitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, waitMs, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
