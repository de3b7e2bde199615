/** Numbers that a caller gives as options. */
import { BellwetherError } from '../errors.js';

/** @throws BellwetherError INVALID_REQUEST, naming the option, unless `value` is a whole number in the bounds. */
export function checkedOption(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `${field} must be a whole number from ${min} to ${max}, got ${value}`,
    { metadata: { field, min: String(min), max: String(max) } },
  );
}
