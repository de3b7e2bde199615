/** The one source of chance of a simulated run: everything in it is drawn from here. */

const UINT32 = 0x1_0000_0000;
const WARM_UP_DRAWS = 12;

/** sfc32 by Chris Doty-Humphrey (PractRand), its state filled by SplitMix32 from the seed. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed Any integer; the low 53 bits count. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / UINT32)) | 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) | 0;
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    for (let i = 0; i < WARM_UP_DRAWS; i++) this.uint32();
  }

  /** Uniform in [0, 2^32). */
  uint32(): number {
    const drawn = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + drawn;
    this.#c |= 0;
    return drawn >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.uint32() / UINT32;
  }

  /** Integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Exponentially distributed with this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** One of `list`, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** A source of its own, so that what one part draws does not change what another one draws. */
  fork(): Random {
    return new Random(this.uint32() * 0x20_0000 + (this.uint32() & 0x1f_ffff));
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = (digits: number): string =>
      (this.uint32() >>> (32 - 4 * digits)).toString(16).padStart(digits, '0');
    const variant = (0x8 + this.below(4)).toString(16);
    return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(8)}${hex(4)}`;
  }
}
