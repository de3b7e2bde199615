/**
 * Finds who sent a message, and which, in a line that is too long to be kept: it goes by in pieces, and only the
 * few fields that an answer needs are remembered. What is not JSON is not noticed.
 */

/** Longest source text of a field that is remembered, in bytes. */
const FIELD_BYTES_MAX = 1024;

const OUTER_FIELDS: ReadonlySet<string> = new Set(['src', 'dest']);
const BODY_FIELDS: ReadonlySet<string> = new Set(['type', 'msg_id', 'in_reply_to']);

const CHARACTER = {
  QUOTE: 0x22,
  COMMA: 0x2c,
  COLON: 0x3a,
  OPEN_LIST: 0x5b,
  BACKSLASH: 0x5c,
  CLOSE_LIST: 0x5d,
  OPEN_OBJECT: 0x7b,
  CLOSE_OBJECT: 0x7d,
} as const;

const NULL = Buffer.from('null');

/** One line; structure in UTF-8 is ASCII, so it is read byte by byte. */
export class EnvelopeScan {
  readonly #outer = new Map<string, string>();
  readonly #body = new Map<string, string>();
  #depth = 0;
  /** Whether depth 2 is within the body, and that is an object. */
  #isInBody = false;
  #isInString = false;
  #isEscaped = false;
  /** The string or literal that is read, or was read last. */
  #token: number[] = [];
  /** Name of the member whose value comes; undefined where a name does. */
  #name: string | undefined;

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#isInString) this.#inString(byte);
      else this.#outside(byte);
    }
  }

  /** The message with those of its fields that an answer needs, as JSON text. */
  envelope(): string {
    const body = members(this.#body);
    return `{${[...members(this.#outer), `"body":{${body.join()}}`].join()}}`;
  }

  #inString(byte: number): void {
    this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === CHARACTER.BACKSLASH) this.#isEscaped = true;
    else if (byte === CHARACTER.QUOTE) this.#isInString = false;
  }

  #outside(byte: number): void {
    switch (byte) {
      case CHARACTER.QUOTE:
        this.#isInString = true;
        this.#token = [byte];
        return;
      case CHARACTER.COLON:
        this.#name = jsonText(this.#token);
        this.#token = [];
        return;
      case CHARACTER.COMMA:
        this.#endMember();
        return;
      case CHARACTER.OPEN_OBJECT:
      case CHARACTER.OPEN_LIST:
        if (this.#depth === 1) this.#isInBody = this.#name === 'body' && byte === CHARACTER.OPEN_OBJECT;
        this.#token = [...NULL]; // No field of an answer is an object or a list: that it is there is enough.
        this.#endMember();
        this.#depth += 1;
        return;
      case CHARACTER.CLOSE_OBJECT:
      case CHARACTER.CLOSE_LIST:
        this.#endMember();
        this.#depth -= 1;
        return;
      default:
        if (byte > 0x20) this.#keep(byte);
    }
  }

  #endMember(): void {
    const name = this.#name;
    if (name !== undefined && this.#token.length > 0) {
      const text = Buffer.from(this.#token).toString();
      if (this.#depth === 1 && OUTER_FIELDS.has(name)) this.#outer.set(name, text);
      if (this.#depth === 2 && this.#isInBody && BODY_FIELDS.has(name)) this.#body.set(name, text);
    }
    this.#name = undefined;
    this.#token = [];
  }

  /** One byte too many is kept of a field that is too long, so that its text is no JSON. */
  #keep(byte: number): void {
    if (this.#token.length <= FIELD_BYTES_MAX) this.#token.push(byte);
  }
}

function members(fields: ReadonlyMap<string, string>): string[] {
  return [...fields].map(([name, text]) => `"${name}":${text}`);
}

/** The text of a JSON string; undefined for anything else. */
function jsonText(token: readonly number[]): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token).toString());
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
