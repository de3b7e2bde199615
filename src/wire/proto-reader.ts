/**
 * Reads the fields that hand-made decoders of hot paths know. ts-proto's decoders make a BigInt and a text of each
 * 64-bit number.
 *
 * It gives up on all else that protobuf's wire format allows or refuses: negative and very large numbers, unknown
 * fields, bytes that end too soon. Such a message is left to the generated decoder, which says what it means or why
 * it is refused; so the two never differ.
 */

/** Bytes of the longest varint that is read here: numbers below 2^49. */
const VARINT_BYTES_MAX = 7;

const INT32_MAX = 0x7fff_ffff;

/** Longest text that is read here, in bytes: topic names are no longer. */
const TEXT_BYTES_MAX = 249;

export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #hasGivenUp = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True once something was met that is not read here: what was returned since then counts for nothing. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** True while there is more to read of the message that ends before byte `end`. */
  isBefore(end: number): boolean {
    return this.#at < end && !this.#hasGivenUp;
  }

  giveUp(): void {
    this.#hasGivenUp = true;
  }

  /** A varint from 0 to 2^49 - 1: a tag, a length or an int64. */
  number(): number {
    const bytes = this.#bytes;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < VARINT_BYTES_MAX && this.#at < bytes.length; count++) {
      const byte = bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    this.giveUp();
    return 0;
  }

  /** From 0 to 2^31 - 1. */
  int32(): number {
    const value = this.number();
    if (value > INT32_MAX) this.giveUp();
    return value;
  }

  /** Reads the length of what lies inside `end`; returns the byte behind it. */
  endOfPart(end: number): number {
    const length = this.number();
    if (this.#at + length > end) this.giveUp();
    return this.#at + length;
  }

  /** Call behind the last field: one that reached beyond the end of its message is not read here. */
  close(end: number): void {
    if (this.#at !== end) this.giveUp();
  }

  /** A view of the message's bytes. */
  bytes(end: number): Uint8Array {
    const partEnd = this.endOfPart(end);
    const start = this.#at;
    if (!this.#hasGivenUp) this.#at = partEnd;
    return this.#bytes.subarray(start, partEnd);
  }

  /** ASCII, up to 249 bytes. */
  text(end: number): string {
    const partEnd = this.endOfPart(end);
    if (partEnd - this.#at > TEXT_BYTES_MAX) this.giveUp();
    const codes: number[] = [];
    while (!this.#hasGivenUp && this.#at < partEnd) {
      const code = this.#bytes[this.#at++] ?? 0;
      if (code >= 0x80) this.giveUp();
      codes.push(code);
    }
    return String.fromCharCode(...codes);
  }
}
