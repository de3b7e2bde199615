/** A list of numbers that grows without being copied and takes 8 bytes for each. */
import { invariant } from '../invariant.js';

/** Numbers in one block. */
const BLOCK_LENGTH = 4_096;

export class Column {
  readonly #blocks: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    const at = this.#length % BLOCK_LENGTH;
    if (at === 0) this.#blocks.push(new Float64Array(BLOCK_LENGTH));
    const block = this.#blocks[this.#blocks.length - 1];
    invariant(block !== undefined, 'a block was made for the first number in it');
    block[at] = value;
    this.#length += 1;
  }

  at(index: number): number {
    invariant(index >= 0 && index < this.#length, 'there is a number', { index, length: this.#length });
    return this.#blocks[Math.floor(index / BLOCK_LENGTH)]?.[index % BLOCK_LENGTH] ?? Number.NaN;
  }

  /** Replaces the last number. */
  setLast(value: number): void {
    const index = this.#length - 1;
    const block = this.#blocks[Math.floor(index / BLOCK_LENGTH)];
    invariant(block !== undefined, 'there is a last number');
    block[index % BLOCK_LENGTH] = value;
  }
}
