/** The verb `expect`: what must hold whatever the recorded output says; re-recording does not change it. */

import { isDeepStrictEqual } from 'node:util';

import { type Command, ScenarioError } from './language.js';
import { printEntry, printMembers } from './print.js';
import { asNumber, idAt, knownId, type Run } from './run.js';

export function expectThat(run: Run, command: Command): void {
  const [what] = command.words;
  if (what === 'log') expectLog(run, command);
  else if (what === 'commit') expectCommit(run, command);
  else if (what === 'base') expectBase(run, command);
  else if (what === 'members') expectMembers(run, command);
  else if (what === 'match') expectMatch(run, command);
  else if (what === undefined && command.options.has('leader')) expectLeader(run, command);
  else throw new ScenarioError(command.line, 'expect knows leader=, log, commit, base, members and match');
}

function expectLeader(run: Run, command: Command): void {
  const { cluster } = run;
  const leader = command.options.get('leader');
  compare(command, 'leader', leader, cluster.leader ?? 'none');
  for (const [key, value] of command.options) {
    if (key === 'leader') continue;
    if (key !== 'term' || cluster.leader === undefined) {
      throw new ScenarioError(command.line, `expect leader=ID [term=N] does not know "${key}=" here`);
    }
    compare(command, 'term', asNumber(command, value), cluster.raft(cluster.leader).term);
  }
}

function expectLog(run: Run, command: Command): void {
  const id = idAt(run, command, 1);
  if (command.words[2] !== '==' || command.options.size > 0) {
    throw new ScenarioError(command.line, 'expect log ID == ENTRY ...');
  }
  const found = run.cluster.disk(id).readable.entries.map(printEntry);
  compare(command, `log of ${id}`, command.words.slice(3), found);
}

function expectCommit(run: Run, command: Command): void {
  if (command.words.length > 1) throw new ScenarioError(command.line, 'expect commit ID=N ...');
  for (const [key, value] of command.options) {
    const id = knownId(run, command, key);
    compare(command, `commit index of ${id}`, asNumber(command, value), run.cluster.raft(id).commitIndex);
  }
}

/** The last entry that is gone. */
function expectBase(run: Run, command: Command): void {
  if (command.words.length > 1) throw new ScenarioError(command.line, 'expect base ID=N ...');
  for (const [key, value] of command.options) {
    const { snapshot } = run.cluster.raft(knownId(run, command, key));
    compare(command, `base of ${key}`, asNumber(command, value), Number(snapshot?.index ?? 0));
  }
}

/** Those in force. */
function expectMembers(run: Run, command: Command): void {
  if (command.words.length > 1)
    throw new ScenarioError(command.line, 'expect members ID=VOTERS+LEARNERS ...');
  for (const [key, value] of command.options) {
    const { membership } = run.cluster.raft(knownId(run, command, key));
    compare(command, `members of ${key}`, value, printMembers(membership));
  }
}

/** What a leader counts on that its followers have. */
function expectMatch(run: Run, command: Command): void {
  if (command.words.length !== 2) throw new ScenarioError(command.line, 'expect match LEADER ID=N ...');
  const { progress } = run.cluster.raft(idAt(run, command, 1));
  for (const [key, value] of command.options) {
    const match = progress.get(knownId(run, command, key))?.match;
    compare(
      command,
      `match of ${key}`,
      asNumber(command, value),
      match === undefined ? 'none' : Number(match),
    );
  }
}

function compare(command: Command, what: string, expected: unknown, found: unknown): void {
  if (isDeepStrictEqual(expected, found)) return;
  throw new ScenarioError(command.line, `${what}: expected ${String(expected)}, found ${String(found)}`);
}
