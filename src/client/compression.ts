/** The codecs of record batches: gzip from node:zlib, zstd where this Node has it. */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { BellwetherError } from '../errors.js';
import { checkedChoice } from './checked-option.js';
import type { Compression } from './types-producer.js';

/** Compression of a batch as its header has it: Kafka's numbers. */
export const CODEC = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** What the records of a batch may come to when they are decompressed, in bytes: no bomb gets beyond it. */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** Those functions of node:zlib that came with Node 22.15; the types of Node 20 do not know them. */
interface Zstd {
  readonly zstdCompress?: (
    bytes: Uint8Array,
    callback: (error: Error | null, result: Buffer) => void,
  ) => void;
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
}

const zstd = zlib as typeof zlib & Zstd;
const gzip = promisify<Uint8Array, Buffer>(zlib.gzip);

/** Compresses the records of one batch, beside the event loop. */
export type Compressor = (
  body: Uint8Array,
) => Promise<{ readonly compression: number; readonly body: Uint8Array }>;

/**
 * What compresses so; undefined for `none`.
 *
 * @throws BellwetherError INVALID_REQUEST for another name, and when this Node has no zstd.
 */
export function compressorFor(compression: Compression): Compressor | undefined {
  checkedChoice<Compression>('compression', compression, ['none', 'gzip', 'zstd']);
  switch (compression) {
    case 'none':
      return undefined;
    case 'gzip':
      return async (body) => ({ compression: CODEC.gzip, body: await gzip(body) });
    case 'zstd': {
      const { zstdCompress } = zstd;
      if (zstdCompress === undefined) throw noZstd('INVALID_REQUEST');
      const compress = promisify(zstdCompress);
      return async (body) => ({ compression: CODEC.zstd, body: await compress(body) });
    }
  }
}

/**
 * The records of a batch that was compressed so.
 *
 * @throws BellwetherError UNSUPPORTED_RECORD_BATCH for a codec that this Node has not, CORRUPT_RECORD_BATCH when
 * the bytes are damaged or come to more than 64 MiB.
 */
export function decompressed(body: Uint8Array, compression: number): Uint8Array {
  const bounds = { maxOutputLength: DECOMPRESSED_BYTES_MAX };
  const { zstdDecompressSync } = zstd;
  if (compression === CODEC.zstd && zstdDecompressSync === undefined)
    throw noZstd('UNSUPPORTED_RECORD_BATCH');
  if (compression !== CODEC.gzip && compression !== CODEC.zstd) throw unknownCodec(compression);
  try {
    if (compression === CODEC.gzip) return zlib.gunzipSync(body, bounds);
    return zstdDecompressSync?.(body, bounds) ?? body;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new BellwetherError('CORRUPT_RECORD_BATCH', `the record batch cannot be decompressed: ${problem}`, {
      metadata: { problem },
      cause,
    });
  }
}

function noZstd(reason: 'INVALID_REQUEST' | 'UNSUPPORTED_RECORD_BATCH'): BellwetherError {
  const message = `zstd needs Node 22.15 or later; this is Node ${process.versions.node}`;
  const metadata = { field: 'compression', compression: 'zstd', node: process.versions.node };
  return new BellwetherError(reason, message, { metadata });
}

function unknownCodec(compression: number): BellwetherError {
  const message = `the record batch is compressed with codec ${compression}; gzip (1) and zstd (4) can be read`;
  return new BellwetherError('UNSUPPORTED_RECORD_BATCH', message, {
    metadata: { compression: String(compression) },
  });
}
