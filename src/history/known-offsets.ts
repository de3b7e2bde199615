/** The offsets of a log that are known to hold a record. */

export class KnownOffsets {
  readonly #offsets: () => Iterable<number>;
  /** Ascending, without repetition; made when first needed, as a history without gaps never asks. */
  #sorted: Float64Array | undefined;

  /** `offsets` is read once, at the first question. */
  constructor(offsets: () => Iterable<number>) {
    this.#offsets = offsets;
  }

  /** How many lie between two offsets, both exclusive, and the first of them, at most `firstMax`. */
  between(after: number, before: number, firstMax: number): { count: number; first: number[] } {
    // Neighbours: the one case that is common, answered without sorting.
    if (before - after <= 1) return { count: 0, first: [] };
    this.#sorted ??= Float64Array.from(this.#offsets()).sort();
    const start = lowerBound(this.#sorted, after + 1);
    const end = lowerBound(this.#sorted, before);
    return {
      count: end - start,
      first: [...this.#sorted.subarray(start, Math.min(end, start + firstMax))],
    };
  }
}

/** Index of the first element that is not below `bound`. */
function lowerBound(sorted: Float64Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
