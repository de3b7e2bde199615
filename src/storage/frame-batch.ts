/**
 * Lays frames out for one write: a list of buffers in which the headers and paddings are slices of one
 * arena and the payloads stand as they are, uncopied.
 */
import { crc32 } from 'node:zlib';

import {
  emptyFrameHeader,
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_NUMBER_MAX,
  FRAME_TYPE,
  frameBytes,
  paddingBytes,
} from './journal-frame.js';
import { invariant } from '../invariant.js';
import { SNAPSHOT_LAYOUT } from './snapshot-frame.js';
import type { Entry, GroupId, HardState, LogIndex, Term } from '../raft/types.js';

/** Positions in a file are 32-bit numbers. */
const POSITION_MAX = 2 ** 32 - 1;
/** Room in the arena for a frame: its header, and less than 8 bytes of padding. */
const ARENA_BYTES_PER_FRAME = FRAME_HEADER_BYTES + 8;

const utf8 = new TextEncoder();
const NO_PAYLOAD = new Uint8Array(0);

/** Bytes that a hard state takes in the journal. */
export function hardStateFrameBytes(state: HardState): number {
  return frameBytes(votePayload(state).length);
}

function votePayload(state: HardState): Uint8Array {
  return state.votedFor === undefined ? NO_PAYLOAD : utf8.encode(state.votedFor);
}

/** Where a batch goes. */
export interface BatchPlace {
  /** Seed of the file. */
  readonly seed: number;
  /** Number of the batch. */
  readonly batch: number;
  /** Byte in the file at which the batch begins; a multiple of 8. */
  readonly start: number;
  /** Most frames that will be added. */
  readonly frameCount: number;
}

/** The frames of one batch. */
export class FrameBatch {
  readonly #seed: number;
  readonly #arena: Buffer;
  readonly #buffers: Uint8Array[] = [];
  readonly #header = emptyFrameHeader();
  /** The arena's bytes in [#sliceStart, #cursor) are not in #buffers yet. */
  #sliceStart = 0;
  #cursor = 0;
  #end: number;

  constructor(place: BatchPlace) {
    this.#seed = place.seed;
    this.#arena = Buffer.allocUnsafe(place.frameCount * ARENA_BYTES_PER_FRAME);
    this.#header.batch = place.batch;
    this.#header.batchStart = place.start;
    this.#end = place.start;
  }

  /** Byte in the file behind the last frame. */
  get end(): number {
    return this.#end;
  }

  /** @returns Byte in the file at which the frame begins. */
  addEntry(group: GroupId, entry: Entry): number {
    this.#header.type = FRAME_TYPE.ENTRY;
    this.#header.kind = entry.kind;
    this.#header.term = entry.term;
    this.#header.index = entry.index;
    return this.#add(group, entry.payload);
  }

  addHardState(group: GroupId, state: HardState): void {
    this.#header.type = FRAME_TYPE.HARD_STATE;
    this.#header.kind = state.votedFor === undefined ? 0 : 1;
    this.#header.term = state.term;
    this.#header.index = state.commit;
    this.#add(group, votePayload(state));
  }

  /** @param payload As `encodeSnapshotPayload` makes it. */
  addSnapshot(group: GroupId, index: LogIndex, term: Term, payload: Uint8Array): void {
    this.#header.type = FRAME_TYPE.SNAPSHOT;
    this.#header.kind = SNAPSHOT_LAYOUT;
    this.#header.term = term;
    this.#header.index = index;
    this.#add(group, payload);
  }

  addDropGroup(group: GroupId): void {
    this.#header.type = FRAME_TYPE.DROP_GROUP;
    this.#header.kind = 0;
    this.#header.term = 0;
    this.#header.index = 0;
    this.#add(group, NO_PAYLOAD);
  }

  /** The buffers to write, in order. Call it once, at the end. */
  finish(): Uint8Array[] {
    this.#flushArena();
    return this.#buffers;
  }

  #add(group: GroupId, payload: Uint8Array): number {
    const position = this.#end;
    const header = this.#header;
    invariant(
      group <= FRAME_NUMBER_MAX && header.index <= FRAME_NUMBER_MAX,
      'numbers of a frame fit 48 bits',
    );
    header.group = group;
    header.payloadBytes = payload.length;
    header.payloadCrc = crc32(payload);
    encodeFrameHeader(this.#arena, this.#cursor, header, this.#seed);
    this.#cursor += FRAME_HEADER_BYTES;
    if (payload.length > 0) {
      this.#flushArena();
      this.#buffers.push(payload);
      const padding = paddingBytes(payload.length);
      this.#arena.fill(0, this.#cursor, this.#cursor + padding);
      this.#cursor += padding;
    }
    this.#end += frameBytes(payload.length);
    invariant(this.#end <= POSITION_MAX, 'positions in a journal file fit 32 bits', { end: this.#end });
    return position;
  }

  #flushArena(): void {
    if (this.#cursor > this.#sliceStart) {
      this.#buffers.push(this.#arena.subarray(this.#sliceStart, this.#cursor));
    }
    this.#sliceStart = this.#cursor;
  }
}
