/** What a process sends one after the other is in the log in that order: nonmonotonic-send. */
import type { Findings } from './anomaly.js';
import type { KeyHistory } from './key-history.js';
import type { Send } from './types.js';

/** Checks the sends of each process against the last one that it had seen acknowledged. */
export function checkSendOrder(history: KeyHistory, findings: Findings): void {
  const lastOf = new Map<number, { readonly offset: number; readonly send: Send }>();
  for (const send of history.sends) {
    if (send.outcome === 'failed') continue;
    const offset = placeOf(history, send);
    if (offset === undefined) continue;
    const last = lastOf.get(send.process);
    if (last !== undefined && offset <= last.offset) {
      findings.add('nonmonotonic-send', () => ({
        key: history.key,
        offsets: [last.offset, offset],
        values: [last.send.value, send.value],
        operations: [last.send, send],
        text:
          `process ${send.process} sent value ${send.value} of ${history.key} after ${last.send.value}, ` +
          `and it is at offset ${offset}, not after ${last.offset}`,
      }));
    }
    // A send of unknown outcome may be appended at any later time, so nothing need come after it.
    if (send.outcome === 'ok') lastOf.set(send.process, { offset, send });
  }
}

/** Where a send is, as acknowledged or else as read; undefined when nobody knows. */
function placeOf(history: KeyHistory, send: Send): number | undefined {
  const acknowledgedAt = send.outcome === 'ok' ? send.offset : undefined;
  return acknowledgedAt ?? history.readOf.get(send.value)?.offset;
}
