/** How trouble with the disk becomes a `BellwetherError` that names the file, the place and the errno. */
import { BellwetherError } from '../errors.js';

/** Name of the errno (EIO, ENOSPC, ...), or the text of an error that has none. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}

export function storageFailed(operation: string, path: string, cause: unknown): BellwetherError {
  const errno = errnoOf(cause);
  return new BellwetherError('STORAGE_FAILED', `${operation} of ${path} failed: ${errno}`, {
    metadata: { file: path, operation, errno },
    cause,
  });
}

/**
 * True when there was no room on the disk, or none left of what the user may have. Not when a sync said so: of
 * what that covered nobody knows what was written (fsyncgate). A write that syncs covers what it writes and no more,
 * and when it is made again that is all written again.
 */
export function isNoRoom({ reason, metadata }: BellwetherError): boolean {
  const { operation, errno } = metadata;
  const isLate = operation === 'fdatasync' || operation === 'fsync';
  return reason === 'STORAGE_FAILED' && (errno === 'ENOSPC' || errno === 'EDQUOT') && !isLate;
}

/** `positionBytes` counts from the start of the file. */
export function storageCorrupt(path: string, positionBytes: number, what: string): BellwetherError {
  return new BellwetherError('STORAGE_CORRUPT', `${path} is damaged at byte ${positionBytes}: ${what}`, {
    metadata: { file: path, position: String(positionBytes) },
  });
}

/** Runs one call of the file-system port; its rejection becomes STORAGE_FAILED. */
export async function attempt<T>(operation: string, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw storageFailed(operation, path, error);
  }
}
