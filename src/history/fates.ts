/** What became of each value that was sent: lost-write, unseen, G1a and wrong-offset; and phantom. */
import type { Findings } from './anomaly.js';
import type { KeyHistory } from './key-history.js';
import type { Send } from './types.js';

/** Checks every value of a key against what was promised to its sender. */
export function checkFates(history: KeyHistory, findings: Findings): void {
  for (const send of history.sends) {
    if (send.outcome === 'ok') checkAcknowledged(history, send, findings);
    else if (send.outcome === 'failed') checkFailed(history, send, findings);
  }
  checkPhantoms(history, findings);
}

function checkAcknowledged(history: KeyHistory, send: Send, findings: Findings): void {
  const { key, value, offset } = send;
  const read = history.readOf.get(value);
  if (read !== undefined) {
    if (offset === undefined || wasReadAt(history, value, offset)) return;
    findings.add('wrong-offset', () => ({
      key,
      offsets: [offset, read.offset],
      values: [value],
      operations: [send, read.operation],
      text: `value ${value} of ${key} was acknowledged at offset ${offset} and read at ${read.offset}`,
    }));
    return;
  }
  const where = offset === undefined ? 'without an offset' : `at offset ${offset}`;
  const isLost = offset !== undefined && offset <= history.highestRead;
  findings.add(isLost ? 'lost-write' : 'unseen', () => ({
    key,
    offsets: offset === undefined ? [] : [offset],
    values: [value],
    operations: [send],
    text:
      `value ${value} of ${key} was acknowledged ${where} and never read` +
      (isLost ? `, though offsets up to ${history.highestRead} were` : ''),
  }));
}

function wasReadAt(history: KeyHistory, value: number, offset: number): boolean {
  if (history.readOf.get(value)?.offset === offset) return true;
  return history.repeated.get(value)?.some((sighting) => sighting.offset === offset) ?? false;
}

function checkFailed(history: KeyHistory, send: Send, findings: Findings): void {
  const { key, value } = send;
  const read = history.readOf.get(value);
  if (read === undefined) return;
  findings.add('G1a', () => ({
    key,
    offsets: [read.offset],
    values: [value],
    operations: [send, read.operation],
    text: `value ${value} of ${key} was read at offset ${read.offset}, though its sender was told that it failed`,
  }));
}

function checkPhantoms(history: KeyHistory, findings: Findings): void {
  const { key } = history;
  for (const [value, { offset, operation }] of history.readOf) {
    if (history.sendOf.has(value)) continue;
    findings.add('phantom', () => ({
      key,
      offsets: [offset],
      values: [value],
      operations: [operation],
      text: `value ${value} was read at offset ${offset} of ${key}, and nobody sent it there`,
    }));
  }
}
