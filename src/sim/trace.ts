/** What happened, line by line: the last lines of every run, and all of them when they are asked for. */

import type { Message } from '../raft/messages.js';

/** Lines that are kept for a failure's report. */
const LAST_LINES_MAX = 60;

export class Trace {
  readonly #nowMs: () => number;
  readonly #print: ((line: string) => void) | undefined;
  /** A ring; lines are put into words only when somebody reads them. */
  readonly #last: { readonly atMs: number; readonly say: () => string }[] = [];
  #next = 0;

  constructor(nowMs: () => number, print?: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#print = print;
  }

  line(say: () => string): void {
    const atMs = this.#nowMs();
    this.#print?.(worded(atMs, say));
    this.#last[this.#next % LAST_LINES_MAX] = { atMs, say };
    this.#next += 1;
  }

  get lastLines(): string[] {
    const start = this.#next % LAST_LINES_MAX;
    const ordered = [...this.#last.slice(start), ...this.#last.slice(0, start)];
    return ordered.map(({ atMs, say }) => worded(atMs, say));
  }
}

function worded(atMs: number, say: () => string): string {
  return `${atMs.toFixed(3).padStart(11)}  ${say()}`;
}

/** One message of a group in a few words. */
export function describeMessage(message: Message): string {
  const { kind, term } = message;
  switch (kind) {
    case 'append':
      return (
        `append t${String(term)} prev ${String(message.prevLogIndex)}@${String(message.prevLogTerm)} ` +
        `+${String(message.entries.length)} commit ${String(message.leaderCommit)}`
      );
    case 'appendReply':
      return message.accepted
        ? `accepted t${String(term)} match ${String(message.matchIndex)}`
        : `rejected t${String(term)} at ${String(message.rejectedIndex)}, hint ${String(message.hintIndex)}@${String(message.hintTerm)}`;
    case 'installSnapshot':
      return (
        `snapshot t${String(term)} ${String(message.snapshotIndex)}@${String(message.snapshotTerm)} ` +
        `bytes ${String(message.offset)}+${String(message.chunk.length)} of ${String(message.totalBytes)}`
      );
    case 'snapshotReply':
      return (
        `snapshot ${message.installed ? 'installed' : `has ${String(message.receivedBytes)} bytes`} ` +
        `t${String(term)} ${String(message.snapshotIndex)}@${String(message.snapshotTerm)}`
      );
    case 'voteRequest':
      return (
        `${message.preVote ? 'pre-vote?' : 'vote?'} t${String(term)} last ` +
        `${String(message.lastLogIndex)}@${String(message.lastLogTerm)}${message.leadershipTransfer ? ' (transfer)' : ''}`
      );
    case 'voteReply':
      return `${message.preVote ? 'pre-vote' : 'vote'} ${message.granted ? 'yes' : 'no'} t${String(term)} for t${String(message.requestedTerm)}`;
    case 'timeoutNow':
      return `campaign now t${String(term)}`;
  }
}
