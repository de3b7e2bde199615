/**
 * What a simulated disk really holds of a broker's journal: its synced frames, decoded from the synced
 * bytes as the disk knows them. No replica is asked, so no replica can lie.
 */

import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_TYPE,
  frameBytes,
  type FrameHeader,
} from '../storage/journal-frame.js';
import { decodeFileHeader, FILE_HEADER_BYTES, frameSeed, journalPath } from '../storage/journal-file.js';

/** The synced bytes under a synced name; undefined for none. */
export type SyncedFile = (path: string) => Uint8Array | undefined;

/** What is synced of one group. */
export interface SyncedGroup {
  term: number;
  votedFor: string | undefined;
  /** Every vote that was ever synced, by term. */
  readonly votes: Map<number, string>;
  /** Last entry that is gone: a snapshot stands for it and all before. */
  base: number;
  /** `terms[i]` is the term of the entry at index i; 0 at index 0. Below the base it means nothing. */
  readonly terms: number[];
  /** Terms of entries that were synced at an index and replaced since. */
  readonly replaced: Map<number, number[]>;
}

/** A byte of the journal; damage before the last batch cannot be taken for a torn write. */
export interface JournalPlace {
  readonly sequence: number;
  readonly at: number;
}

const utf8 = new TextDecoder();

/** What the frames up to the start of a file come to. */
interface Boundary {
  readonly sequence: number;
  readonly seed: number;
  readonly groups: ReadonlyMap<number, SyncedGroup>;
  readonly dropped: ReadonlySet<number>;
}

export class DurableImage {
  groups = new Map<number, SyncedGroup>();
  /** Groups that were dropped, and not made again since. */
  dropped = new Set<number>();
  readonly #files: SyncedFile;
  readonly #directory: string;
  readonly #header: FrameHeader = emptyFrameHeader();
  #sequence = 0;
  #at = 0;
  #seed = 0;
  #lastBatchStart = 0;
  /** The file that is being read. Those before were synced to their ends, and may be gone by now. */
  #boundary: Boundary | undefined;

  constructor(files: SyncedFile, directory: string, from?: Boundary) {
    this.#files = files;
    this.#directory = directory;
    if (from !== undefined) this.#beginAt(from);
    this.advance();
  }

  /** Where the synced frames end. */
  get end(): JournalPlace {
    return { sequence: this.#sequence, at: this.#at };
  }

  /** Where the last synced batch begins; frames before it are followed by proof that they were synced. */
  get lastBatch(): JournalPlace {
    return { sequence: this.#sequence, at: this.#lastBatchStart };
  }

  /** Takes in what has been synced since the last call. */
  advance(): void {
    for (;;) {
      this.#scan();
      if (!this.#enterNext()) return;
    }
  }

  /** The same journal, with its last file read again from the first byte. */
  reread(): DurableImage {
    return new DurableImage(this.#files, this.#directory, this.#boundary);
  }

  #beginAt(boundary: Boundary): void {
    this.groups = new Map([...boundary.groups].map(([group, synced]) => [group, copyOf(synced)]));
    this.dropped = new Set(boundary.dropped);
    this.#sequence = boundary.sequence;
    this.#seed = boundary.seed;
    this.#at = FILE_HEADER_BYTES;
    this.#boundary = boundary;
  }

  /** True when the entry is there, or a snapshot that stands for it: that is of committed ones only. */
  has(group: number, index: number, term: number): boolean {
    const synced = this.groups.get(group);
    return synced !== undefined && (index <= synced.base || synced.terms[index] === term);
  }

  /** True when an entry of this term, or of `term` at most, was ever synced at the index. */
  everHad(group: number, index: number, termMax: number): boolean {
    if (index === 0) return true;
    const synced = this.groups.get(group);
    if (synced === undefined) return false;
    if (index <= synced.base) return true;
    const term = synced.terms[index];
    if (term !== undefined && term <= termMax) return true;
    return synced.replaced.get(index)?.some((old) => old <= termMax) ?? false;
  }

  #enterNext(): boolean {
    const file = this.#bytes(this.#sequence + 1);
    const header = file && decodeFileHeader(file);
    if (header === undefined) return false;
    // A file is begun only when the one before is synced to its end.
    if (this.#sequence > 0 && header.previousEnd !== this.#at) return false;
    this.#sequence += 1;
    this.#at = FILE_HEADER_BYTES;
    this.#seed = frameSeed(this.#sequence, header.incarnation);
    const groups = new Map([...this.groups].map(([group, synced]) => [group, copyOf(synced)]));
    const dropped = new Set(this.dropped);
    this.#boundary = { sequence: this.#sequence, seed: this.#seed, groups, dropped };
    return true;
  }

  #scan(): void {
    const bytes = this.#sequence === 0 ? undefined : this.#bytes(this.#sequence);
    if (bytes === undefined) return;
    this.#learnSeed(bytes);
    const header = this.#header;
    while (decodeFrameHeader(bytes, this.#at, header, this.#seed)) {
      const payload = checkedPayload(bytes, this.#at, header);
      if (payload === undefined) return;
      this.#lastBatchStart = header.batchStart;
      this.#apply(header, payload);
      this.#at += frameBytes(header.payloadBytes);
    }
  }

  /** A folder whose making was cut short is made again, with another incarnation: as long as a file has no frame. */
  #learnSeed(bytes: Buffer): void {
    const header = this.#at === FILE_HEADER_BYTES ? decodeFileHeader(bytes) : undefined;
    if (header === undefined || this.#boundary === undefined) return;
    this.#seed = frameSeed(header.sequence, header.incarnation);
    this.#boundary = { ...this.#boundary, seed: this.#seed };
  }

  #bytes(sequence: number): Buffer | undefined {
    const bytes = this.#files(journalPath(this.#directory, sequence));
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #apply({ type, group, term, index, kind }: FrameHeader, payload: Buffer): void {
    if (type === FRAME_TYPE.DROP_GROUP) {
      this.groups.delete(group);
      this.dropped.add(group);
      return;
    }
    const synced = this.groups.get(group) ?? {
      term: 0,
      votedFor: undefined,
      votes: new Map<number, string>(),
      base: 0,
      terms: [0],
      replaced: new Map<number, number[]>(),
    };
    this.groups.set(group, synced);
    this.dropped.delete(group);
    if (type === FRAME_TYPE.HARD_STATE) {
      synced.term = term;
      synced.votedFor = kind === 0 ? undefined : utf8.decode(payload);
      if (synced.votedFor !== undefined) synced.votes.set(term, synced.votedFor);
      return;
    }
    if (type === FRAME_TYPE.SNAPSHOT) {
      // The rest stays when the log holds the entry; else the snapshot takes the place of all.
      if (synced.terms[index] !== term) cut(synced, synced.base + 1);
      while (synced.terms.length < index) synced.terms.push(0);
      synced.terms[index] = term;
      synced.base = index;
      return;
    }
    cut(synced, index);
    synced.terms[index] = term;
  }
}

function copyOf({ votes, terms, replaced, ...scalars }: SyncedGroup): SyncedGroup {
  const old = [...replaced].map(([index, before]): [number, number[]] => [index, [...before]]);
  return { ...scalars, votes: new Map(votes), terms: [...terms], replaced: new Map(old) };
}

/** Forgets the entries from `index` on, but not that they were there. */
function cut({ terms, replaced }: SyncedGroup, index: number): void {
  for (let old = terms.length - 1; old >= index; old--) {
    const before = replaced.get(old) ?? [];
    before.push(terms[old] ?? 0);
    replaced.set(old, before);
  }
  terms.length = Math.min(terms.length, index);
}
