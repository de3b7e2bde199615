import { describe, expect, it } from 'vitest';
import { Any } from '../../gen/google/protobuf/any.js';
import { ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { BellwetherError } from '../../src/errors.js';
import { Metadata } from '@grpc/grpc-js';
import { decodeStatusDetails, encodeStatusDetails } from '../../src/wire/status-details.js';
import { fromServiceError } from '../../src/wire/status.js';

const ERROR_INFO_URL = 'type.googleapis.com/google.rpc.ErrorInfo';

function statusWith(info: Partial<ErrorInfo>): Buffer {
  const value = ErrorInfo.encode(ErrorInfo.create(info)).finish();
  const details = [Any.create({ typeUrl: ERROR_INFO_URL, value })];
  return Buffer.from(Status.encode(Status.create({ code: 14, message: 'busy', details })).finish());
}

describe('status details', () => {
  it('hold ErrorInfo with domain, reason and outcome (AIP-193)', () => {
    const error = new BellwetherError('COMMIT_TIMEOUT', 'x', { metadata: { topic: 'orders' } });
    const status = Status.decode(encodeStatusDetails(error, 'text'));
    expect([status.code, status.message]).toEqual([error.row.code, 'text']);
    const info = status.details.find(({ typeUrl }) => typeUrl === ERROR_INFO_URL);
    expect(ErrorInfo.decode(info?.value ?? new Uint8Array())).toEqual({
      domain: 'bellwether',
      reason: 'COMMIT_TIMEOUT',
      metadata: { topic: 'orders', outcome: 'UNKNOWN' },
    });
  });

  it('of another domain are not ours', () => {
    expect(
      decodeStatusDetails(statusWith({ domain: 'pubsub.googleapis.com', reason: 'NOT_LEADER' })),
    ).toBeUndefined();
  });

  it('with a reason of a newer version promise nothing about the outcome', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', statusWith({ domain: 'bellwether', reason: 'MOON_TOO_FULL' }));
    const error = fromServiceError({ code: 14, details: 'busy', metadata });
    expect([error.reason, error.outcome, error.metadata['reason']]).toEqual([
      'INTERNAL',
      'UNKNOWN',
      'MOON_TOO_FULL',
    ]);
    expect(error.message).toBe('MOON_TOO_FULL: busy');
  });
});
