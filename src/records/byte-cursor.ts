/** A position that moves through bytes from outside and never leaves them. Pure. */

/** Bytes from outside break the format that they should follow. */
export class MalformedBytesError extends Error {
  /** Byte at which the damage was noticed. */
  readonly position: number;

  constructor(problem: string, position: number) {
    super(`${problem} at byte ${position}`);
    this.name = 'MalformedBytesError';
    this.position = position;
  }
}

/** Reads `bytes` from `position` on. Every method throws `MalformedBytesError` rather than pass the end. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  /** Next byte to read. */
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  get remainingBytes(): number {
    return this.bytes.length - this.position;
  }

  readByte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw new MalformedBytesError('bytes end early', this.position);
    this.position++;
    return byte;
  }

  /** Steps over `sizeBytes` bytes, at least 0. */
  skip(sizeBytes: number): void {
    if (sizeBytes < 0) throw new MalformedBytesError(`negative size ${sizeBytes}`, this.position);
    if (sizeBytes > this.remainingBytes) {
      throw new MalformedBytesError(
        `size ${sizeBytes} exceeds the ${this.remainingBytes} bytes left`,
        this.position,
      );
    }
    this.position += sizeBytes;
  }

  /** A view of the next `sizeBytes` bytes, not a copy. */
  take(sizeBytes: number): Uint8Array {
    const start = this.position;
    this.skip(sizeBytes);
    return this.bytes.subarray(start, this.position);
  }
}
