/**
 * Turns what happens in a cluster into lines. An input stands at the left, what it causes is indented.
 * While `brief`, sent messages are left out but for lost ones: their arrival is shown.
 */

import { invariant } from '../../src/invariant.js';
import type { BrokerId } from '../../src/raft/types.js';
import type { TraceEvent } from '../raft/trace.js';
import { printEntries, printHardState, printMembers, printMessage, printRole } from './print.js';

export class Transcript {
  brief = false;
  /** Nothing is noted while true: for preparations. */
  silent = false;
  #lines: string[] = [];
  readonly #roles = new Map<BrokerId, string>();
  /** In force when it was last told, of those that are not as at the beginning. */
  readonly #members = new Map<BrokerId, string>();
  /** Writes that wait for a `sync` of the file, as `id#sequence`. */
  readonly #held = new Set<string>();

  /** The lines since the last call. */
  take(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  say(line: string): void {
    invariant(line.trim() !== '', 'a blank line would end the block');
    if (!this.silent) this.#lines.push(line);
  }

  /** Notes that a replica is down: its writes are lost, its next start is told anew. */
  forget(id: BrokerId): void {
    this.#roles.delete(id);
    this.#members.delete(id);
    for (const key of this.#held) if (key.startsWith(`${id}#`)) this.#held.delete(key);
  }

  readonly note = (event: TraceEvent): void => {
    switch (event.kind) {
      case 'timer':
        this.say(`${event.id} timer, at ${String(Math.ceil(event.nowMs))}ms`);
        break;
      case 'arrives':
        this.say(`${printMessage(event.message)}${event.running ? '' : ' (down)'}`);
        break;
      case 'hears':
        this.say(
          `${event.notice.to} hears that ${event.notice.from} leads term ${String(event.notice.term)} no more`,
        );
        break;
      case 'sends':
        if (event.lost) this.say(`  loses ${printMessage(event.message)}`);
        else if (!this.brief) this.say(`  sends ${printMessage(event.message)}`);
        break;
      case 'announces':
        if (!this.brief)
          this.say(`  tells ${event.notice.to} that it leads term ${String(event.notice.term)} no more`);
        break;
      case 'writes':
        this.#writes(event);
        break;
      case 'synced':
        if (this.#held.delete(`${event.id}#${String(event.sequence)}`)) {
          this.say(`  ${event.id} has write ${String(event.sequence)} on disk`);
        }
        break;
      case 'rests':
        this.#rests(event);
        break;
    }
  };

  #writes(event: Extract<TraceEvent, { kind: 'writes' }>): void {
    if (event.held) this.#held.add(`${event.id}#${String(event.sequence)}`);
    const state = event.hardState === undefined ? '' : ` ${printHardState(event.hardState)}`;
    const entries = event.entries.length === 0 ? '' : ` [${printEntries(event.entries)}]`;
    const { snapshot } = event;
    const base = snapshot === undefined ? '' : ` snapshot ${String(snapshot.index)}@${String(snapshot.term)}`;
    const held = event.held ? ` (write ${String(event.sequence)}, held)` : '';
    this.say(`  ${event.id} writes${state}${base}${entries}${held}`);
  }

  #rests(event: Extract<TraceEvent, { kind: 'rests' }>): void {
    const role = printRole(event.id, event.raft);
    if (this.#roles.get(event.id) !== role) this.say(`  ${role}`);
    this.#roles.set(event.id, role);
    const { membership, membershipIndex } = event.raft;
    const members = printMembers(membership);
    if (membershipIndex === 0 || this.#members.get(event.id) === members) return;
    this.#members.set(event.id, members);
    this.say(`  ${event.id} has members ${members} in force, of entry ${String(membershipIndex)}`);
  }
}
