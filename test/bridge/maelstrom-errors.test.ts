import { describe, expect, it } from 'vitest';
import { asIndefinite, BridgeError, CODE_BY_REASON, errorReply } from '../../src/bridge/maelstrom-errors.js';
import { ERROR_TABLE } from '../../src/error-table.js';
import { BellwetherError, isReason, type Reason } from '../../src/errors.js';

const reasons = Object.keys(ERROR_TABLE).filter(isReason);

describe('the codes of Maelstrom', () => {
  it('are indefinite exactly for the reasons that leave open whether a write was applied', () => {
    for (const reason of reasons) {
      const isIndefinite = CODE_BY_REASON[reason] === 13;
      expect([reason, isIndefinite]).toEqual([reason, ERROR_TABLE[reason].outcome !== 'NOT_APPLIED']);
    }
  });

  it('say "temporarily unavailable" for what can be sent again, unless the term was fenced', () => {
    for (const reason of reasons) {
      const { retry } = ERROR_TABLE[reason];
      const isRetryable = retry === 'same_broker' || retry === 'refresh_metadata';
      const isUnavailable = CODE_BY_REASON[reason] === 11;
      expect([reason, isUnavailable]).toEqual([reason, isRetryable && reason !== 'FENCED_TERM']);
    }
  });

  it.each<[Reason, number]>([
    ['INVALID_REQUEST', 12],
    ['RECORD_BATCH_TOO_LARGE', 12],
    ['OFFSET_OUT_OF_RANGE', 12],
    ['UNKNOWN_TOPIC_OR_PARTITION', 20],
    ['TOPIC_ALREADY_EXISTS', 21],
    ['FENCED_TERM', 22],
    ['TARGET_NOT_ELIGIBLE', 22],
    ['NOT_LEADER', 11],
    ['NO_LEADER', 11],
    ['NOT_ENOUGH_REPLICAS', 11],
    ['LEADERSHIP_LOST', 13],
    ['COMMIT_TIMEOUT', 13],
    ['REQUEST_TIMEOUT', 13],
    ['INTERNAL', 13],
  ])('are those of doc/protocol.md: %s is %i', (reason, code) => {
    expect(errorReply(new BellwetherError(reason, 'what happened'))).toEqual({
      type: 'error',
      fields: { code, text: 'what happened', reason, outcome: ERROR_TABLE[reason].outcome },
    });
  });
});

describe('errorReply', () => {
  it('takes the code that the bridge chose', () => {
    expect(errorReply(new BridgeError(22, 'init comes first')).fields).toEqual({
      code: 22,
      text: 'init comes first',
      reason: 'INVALID_REQUEST',
      outcome: 'NOT_APPLIED',
    });
  });

  it('tells of anything else that was thrown as a defect', () => {
    const fields = { code: 13, text: 'oops', reason: 'INTERNAL', outcome: 'UNKNOWN' };
    expect(errorReply(new Error('oops')).fields).toEqual(fields);
    expect(errorReply('oops').fields).toEqual(fields);
  });

  it('keeps the reason of an error that is made indefinite', () => {
    const error = asIndefinite(new BellwetherError('NO_LEADER', 'no leader is known'), 'commit_offsets');
    expect(errorReply(error).fields).toMatchObject({
      code: 13,
      text: 'commit_offsets: no leader is known',
      reason: 'NO_LEADER',
    });
  });
});
