/** One run of a scenario: the cluster, what is put aside, and how a command's arguments are read. */

import { invariant } from '../../src/invariant.js';
import type { Message } from '../../src/raft/messages.js';
import type { Raft } from '../../src/raft/raft.js';
import { asLogIndex, asTerm, type BrokerId, ENTRY_KIND, type Entry } from '../../src/raft/types.js';
import { Cluster, type ClusterOptions } from '../raft/harness.js';
import { type Command, ScenarioError } from './language.js';
import { Transcript } from './transcript.js';

/** Long enough for the first election of a group. */
const BIRTH_MS = 100;
const MESSAGE_KINDS: readonly string[] = [
  'voteRequest',
  'voteReply',
  'append',
  'appendReply',
  'installSnapshot',
  'snapshotReply',
  'timeoutNow',
];

export class Run {
  readonly transcript = new Transcript();
  /** Messages that `delay` took off the network until `release`. */
  readonly delayed: Message[] = [];
  readonly #core: typeof Raft;
  #cluster: Cluster | undefined;
  /** Loaded entries, one object for each index and term: logs that match share them. */
  readonly #entries = new Map<string, Entry>();

  constructor(core: typeof Raft) {
    this.#core = core;
  }

  /** Makes the cluster, all links up; `elected` lets the first election pass unseen. */
  begin(options: ClusterOptions, elected: boolean): void {
    invariant(this.#cluster === undefined, 'a scenario has one cluster');
    this.transcript.silent = true;
    this.#cluster = new Cluster({ ...options, core: this.#core, trace: this.transcript.note });
    this.#cluster.heal();
    if (elected) this.#cluster.advance(BIRTH_MS);
    this.transcript.silent = false;
  }

  get cluster(): Cluster {
    invariant(this.#cluster !== undefined, 'a scenario begins with add-brokers');
    return this.#cluster;
  }

  loadedEntry(index: number, term: number, text: string): Entry {
    const key = `${String(index)}@${String(term)}:${text}`;
    const entry = this.#entries.get(key) ?? {
      index: asLogIndex(index),
      term: asTerm(term),
      kind: ENTRY_KIND.RECORD_BATCH,
      payload: new TextEncoder().encode(text),
    };
    this.#entries.set(key, entry);
    return entry;
  }
}

/** The broker that the word at `at` names. */
export function idAt(run: Run, command: Command, at: number): BrokerId {
  return knownId(run, command, command.words[at] ?? '');
}

export function knownId(run: Run, command: Command, word: string): BrokerId {
  if (!run.cluster.ids.includes(word)) throw new ScenarioError(command.line, `no broker is called "${word}"`);
  return word;
}

/** A running broker. */
export function runningIdAt(run: Run, command: Command, at: number): BrokerId {
  const id = idAt(run, command, at);
  if (!run.cluster.isRunning(id)) throw new ScenarioError(command.line, `${id} is down`);
  return id;
}

/** The brokers in a word like `n1,n2`. */
export function idsIn(run: Run, command: Command, word: string): readonly BrokerId[] {
  return word === '' ? [] : word.split(',').map((id) => knownId(run, command, id));
}

export function asNumber(command: Command, text: string): number {
  if (!/^\d+$/.test(text)) throw new ScenarioError(command.line, `"${text}" is not a whole number`);
  return Number(text);
}

export function numberOption(command: Command, key: string, otherwise: number): number {
  const text = command.options.get(key);
  return text === undefined ? otherwise : asNumber(command, text);
}

/** The messages on the way that a command selects by its words, in the order of sending. */
export function selected(run: Run, command: Command): readonly Message[] {
  const to = command.words[0] === undefined ? undefined : idAt(run, command, 0);
  const from = command.options.get('from');
  if (from !== undefined) knownId(run, command, from);
  const kind = command.options.get('kind');
  if (kind !== undefined && !MESSAGE_KINDS.includes(kind)) {
    throw new ScenarioError(
      command.line,
      `no message is of kind "${kind}"; known: ${MESSAGE_KINDS.join(', ')}`,
    );
  }
  const wanted = run.cluster.network.messages.filter(
    (message) =>
      (to === undefined || message.to === to) &&
      (from === undefined || message.from === from) &&
      (kind === undefined || message.kind === kind),
  );
  if (wanted.length === 0) throw new ScenarioError(command.line, 'no such message is on the way');
  return wanted.slice(0, numberOption(command, 'count', wanted.length));
}
