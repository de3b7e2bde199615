/**
 * CRC-32C by the processor's own instructions, from a package with binaries for many platforms: three times as fast as
 * the tables. It is optional: without it, or on a platform that it does not know, the tables do.
 */
import { createRequire } from 'node:module';
import type * as Native from '@node-rs/crc32';
import { computeCrc32cBy } from '../crc32c.js';

let isUsed: boolean | undefined;

/** Has CRC-32C computed by the package, if it can be loaded. Tries once in a process. @returns Whether it is. */
export function useNativeCrc32c(): boolean {
  if (isUsed !== undefined) return isUsed;
  const native = loaded();
  if (native !== undefined) computeCrc32cBy((bytes) => native.crc32c(bytes));
  isUsed = native !== undefined;
  return isUsed;
}

function loaded(): typeof Native | undefined {
  try {
    return createRequire(import.meta.url)('@node-rs/crc32') as typeof Native;
  } catch {
    return undefined;
  }
}
