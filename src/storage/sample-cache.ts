/** Keeps the sparse indexes of the segments that were read last, bounded by bytes. */
import type { Segment } from './segment.js';

/** 16 MiB: the indexes of 3 GiB of segments. */
const DEFAULT_BYTES_MAX = 16_777_216;

export class SampleCache {
  readonly #bytesMax: number;
  /** Least recently used first. */
  readonly #held = new Map<Segment, Buffer>();
  #bytes = 0;

  /** @param bytesMax Bytes kept; one index is kept whatever its size. */
  constructor(bytesMax = DEFAULT_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The index as it was when it was put; undefined when it is not here, or has grown since. */
  get(segment: Segment): Buffer | undefined {
    const samples = this.#held.get(segment);
    if (samples === undefined) return undefined;
    this.#held.delete(segment);
    if (samples.length < segment.indexBytes) {
      this.#bytes -= samples.length;
      return undefined;
    }
    this.#held.set(segment, samples);
    return samples;
  }

  put(segment: Segment, samples: Buffer): void {
    this.forget(segment);
    this.#held.set(segment, samples);
    this.#bytes += samples.length;
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === segment) break;
      this.forget(oldest);
    }
  }

  forget(segment: Segment): void {
    this.#bytes -= this.#held.get(segment)?.length ?? 0;
    this.#held.delete(segment);
  }
}
