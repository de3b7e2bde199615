import { describe, expect, it } from 'vitest';
import {
  attemptTimeoutMs,
  maySendAgain,
  PAUSE_MAX_MS,
  PAUSE_MIN_MS,
  pauseMs,
} from '../../src/client/retry-policy.js';
import { ERROR_TABLE } from '../../src/error-table.js';
import { BellwetherError } from '../../src/errors.js';
import type { Reason } from '../../src/errors.js';

const REASONS = Object.keys(ERROR_TABLE) as Reason[]; // The keys are the reasons.

describe('maySendAgain', () => {
  it.each(REASONS)('a write is sent again after %s only when it was not applied', (reason) => {
    const error = new BellwetherError(reason, 'x');
    if (maySendAgain(error, 'write')) expect(error.outcome).toBe('NOT_APPLIED');
  });

  it.each(REASONS)('nothing is sent again after %s when the table says never', (reason) => {
    const error = new BellwetherError(reason, 'x');
    if (error.row.retry !== 'never') return;
    for (const effect of ['read', 'idempotent_write', 'write'] as const) {
      expect(maySendAgain(error, effect)).toBe(false);
    }
  });

  it('a read is sent again after an unknown outcome, but a defect is reported', () => {
    expect(maySendAgain(new BellwetherError('CONNECTION_LOST', 'x'), 'read')).toBe(true);
    expect(maySendAgain(new BellwetherError('INTERNAL', 'x'), 'read')).toBe(false);
  });
});

describe('pauseMs', () => {
  it('doubles from half of 20 ms to at most 500 ms, whatever the number of pauses', () => {
    expect(pauseMs(0, 0)).toBe(PAUSE_MIN_MS / 2);
    expect(pauseMs(1, 0)).toBe(PAUSE_MIN_MS);
    for (const pauses of [5, 20, 5000]) {
      expect(pauseMs(pauses, 0)).toBe(PAUSE_MAX_MS / 2);
      expect(pauseMs(pauses, 0.999_999)).toBeLessThanOrEqual(PAUSE_MAX_MS);
    }
  });
});

describe('attemptTimeoutMs', () => {
  const base = { effect: 'read', remainingMs: 9000, expectedMs: 0, brokerCount: 3 } as const;

  it('leaves time for other brokers when a read is tried', () => {
    expect(attemptTimeoutMs(base)).toBe(3000);
  });

  it('never cuts a write short: that would make its outcome unknown', () => {
    expect(attemptTimeoutMs({ ...base, effect: 'write' })).toBe(9000);
  });

  it('does not hurry the only broker', () => {
    expect(attemptTimeoutMs({ ...base, brokerCount: 1 })).toBe(9000);
  });

  it('waits longer than a long poll by right takes', () => {
    expect(attemptTimeoutMs({ ...base, expectedMs: 5000 })).toBe(5500);
  });

  it('never exceeds the time left', () => {
    expect(attemptTimeoutMs({ ...base, remainingMs: 200 })).toBe(200);
  });
});
