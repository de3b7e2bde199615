/** The options that every call takes, and their bounds. */
import { BellwetherError } from '../errors.js';
import { checkNames, shown } from './checked-option.js';
import type { CallOptions } from './types-base.js';

/** Bound of a call in milliseconds when neither the call nor the client names one. */
export const TIMEOUT_DEFAULT_MS = 10_000;

/** Greatest bound of a call in milliseconds: an hour. */
export const TIMEOUT_MAX_MS = 3_600_000;

/**
 * @param path of the method, such as `/bellwether.v1.LogService/Fetch`
 * @param names the options that the method has beside those of every call
 * @throws BellwetherError INVALID_REQUEST for an option that there is not
 */
export function checkCallOptions(
  path: string,
  options: CallOptions | undefined,
  names: Readonly<Record<string, true>> = {},
): void {
  if (options === undefined) return;
  const name = path.slice(path.lastIndexOf('/') + 1);
  checkNames(name.charAt(0).toLowerCase() + name.slice(1), options, { timeoutMs: true, ...names });
}

/** @throws BellwetherError INVALID_REQUEST unless `timeoutMs` is a whole number from 1 to an hour. */
export function checkedTimeoutMs(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MAX_MS) return timeoutMs;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `timeoutMs must be a whole number from 1 to ${TIMEOUT_MAX_MS}, got ${shown(timeoutMs)}`,
    { metadata: { field: 'timeoutMs', max: String(TIMEOUT_MAX_MS) } },
  );
}
