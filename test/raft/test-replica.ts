/** One replica driven by the contract in ready.ts, over a fake disk and a fake network. */

import { invariant } from '../../src/invariant.js';
import type { Message } from '../../src/raft/messages.js';
import type { Raft } from '../../src/raft/raft.js';
import type { BrokerId, Term } from '../../src/raft/types.js';
import { FakeDisk, type Survived } from './fake-disk.js';
import type { FakeNetwork } from './fake-network.js';
import type { History, Replica } from './invariants.js';
import { noTrace, type Trace } from './trace.js';

interface Held {
  readonly sequence: number;
  readonly messages: readonly Message[];
}

export class TestReplica implements Replica {
  readonly id: BrokerId;
  disk = new FakeDisk();
  raft: Raft | undefined;
  /** Writes finish at once; otherwise when `sync` is called. */
  autoSync = true;
  readonly #network: FakeNetwork;
  readonly #history: History;
  readonly #trace: Trace;
  #held: Held[] = [];
  #syncedSequence = 0;
  /** Term in which it leads, to announce when it ends. */
  #leads: Term | undefined;

  constructor(id: BrokerId, network: FakeNetwork, history: History, trace: Trace = noTrace) {
    this.id = id;
    this.#network = network;
    this.#history = history;
    this.#trace = trace;
  }

  start(raft: Raft): void {
    this.raft = raft;
    this.#held = [];
    this.#syncedSequence = 0;
    this.#leads = undefined;
  }

  crash(survived: Survived | undefined): void {
    this.raft = undefined;
    this.disk.crash(survived);
  }

  /** Loses the disk of a crashed replica. */
  wipe(): void {
    invariant(this.raft === undefined, 'only a crashed replica loses its disk', { id: this.id });
    this.disk = new FakeDisk();
  }

  /** Finishes the oldest write. Returns false when none is pending or the replica is down. */
  sync(nowMs: number): boolean {
    if (this.raft === undefined || !this.#finishWrite(this.raft, nowMs)) return false;
    this.pump(nowMs);
    return true;
  }

  /** Does what the Ready asks for, in the order of its contract, until there is nothing more. */
  pump(nowMs: number): void {
    const { raft } = this;
    if (raft === undefined) return;
    do {
      const ready = raft.ready(nowMs);
      this.#history.onReady(this, raft, ready);
      if (ready.hardState !== undefined) {
        const { sequence, hardState, entries, snapshot } = ready;
        const held = !this.autoSync;
        this.#trace({ kind: 'writes', id: this.id, sequence, hardState, snapshot, entries, held });
        this.disk.write(sequence, hardState, entries, snapshot);
      }
      this.#history.afterStep(this, raft);
      this.#send(raft, ready.messages);
      if (ready.sequence <= this.#syncedSequence) this.#send(raft, ready.messagesAfterPersist);
      else if (ready.messagesAfterPersist.length > 0) {
        this.#held.push({ sequence: ready.sequence, messages: ready.messagesAfterPersist });
      }
    } while (this.autoSync && this.#finishWrite(raft, nowMs));
    this.#announceResignation(raft);
    this.#trace({ kind: 'rests', id: this.id, raft });
  }

  #finishWrite(raft: Raft, nowMs: number): boolean {
    const sequence = this.disk.sync();
    if (sequence === undefined) return false;
    this.#syncedSequence = sequence;
    this.#trace({ kind: 'synced', id: this.id, sequence });
    const due = this.#held.filter((held) => held.sequence <= sequence);
    this.#held = this.#held.filter((held) => held.sequence > sequence);
    for (const held of due) this.#send(raft, held.messages);
    raft.persisted(nowMs, sequence);
    return true;
  }

  #send(raft: Raft, messages: readonly Message[]): void {
    for (const message of messages) {
      this.#history.onSend(this, raft, message);
      this.#trace({ kind: 'sends', message, lost: !this.#network.isOpen(message.from, message.to) });
      this.#network.send(message);
    }
  }

  /** A broker tells all others when one of its leaderships ends while it lives on (B26). */
  #announceResignation(raft: Raft): void {
    const ended = this.#leads;
    this.#leads = raft.role === 'leader' ? raft.term : undefined;
    if (ended === undefined || ended === this.#leads) return;
    for (const to of raft.voters) {
      if (to === this.id) continue;
      const notice = { from: this.id, to, term: ended };
      this.#trace({ kind: 'announces', notice });
      this.#network.announce(notice);
    }
  }
}
