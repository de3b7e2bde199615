/** Runs the commands of a scenario file on a cluster of the test harness: one small function for each verb. */

import { invariant } from '../../src/invariant.js';
import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import type { Message } from '../../src/raft/messages.js';
import { Raft } from '../../src/raft/raft.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';
import type { Survived } from '../raft/fake-disk.js';
import { expectThat } from './expectation.js';
import { type Command, parseScenario, renderScenario, ScenarioError, type Verb } from './language.js';
import { printEntries, printProgress, printStatus } from './print.js';
import { asNumber, idAt, idsIn, knownId, numberOption, Run, runningIdAt, selected } from './run.js';

/** Messages that one `stabilize` delivers at most: a group that sends for ever is a defect. */
const DELIVERIES_MAX = 5_000;
const MAX_BLOCK_MS = 200;

type Execute = (run: Run, command: Command) => void;

const VERBS: Record<Verb, Execute> = {
  'add-brokers': addBrokers,
  load,
  campaign: (run, command) => {
    run.cluster.input(runningIdAt(run, command, 0), (raft, nowMs) => {
      raft.campaign(nowMs);
    });
  },
  propose,
  deliver,
  delay: (run, command) => {
    const wanted = selected(run, command);
    run.cluster.network.drop((message) => wanted.includes(message));
    run.delayed.push(...wanted);
  },
  release: (run) => {
    run.cluster.network.messages.push(...run.delayed.splice(0));
  },
  'hold-sync': (run, command) => {
    run.cluster.holdSyncs(runningIdAt(run, command, 0));
  },
  sync: (run, command) => {
    const id = runningIdAt(run, command, 0);
    if (!run.cluster.sync(id)) throw new ScenarioError(command.line, `${id} has no write on the way`);
  },
  'release-sync': (run, command) => {
    run.cluster.releaseSyncs(runningIdAt(run, command, 0));
  },
  crash,
  restart: (run, command) => {
    const id = idAt(run, command, 0);
    if (run.cluster.isRunning(id)) throw new ScenarioError(command.line, `${id} runs`);
    run.cluster.restart(id);
  },
  wipe: (run, command) => {
    const id = idAt(run, command, 0);
    if (run.cluster.isRunning(id)) throw new ScenarioError(command.line, `${id} runs`);
    run.cluster.wipe(id);
  },
  // All others learn that the broker may have another disk than before.
  replaced: (run, command) => {
    const id = idAt(run, command, 0);
    for (const peer of run.cluster.running) {
      if (peer !== id) run.cluster.input(peer, (raft) => raft.peerReplaced(id));
    }
  },
  link,
  advance: (run, command) => {
    run.transcript.brief = true;
    run.cluster.advance(asNumber(command, command.words[0] ?? ''));
  },
  tick,
  stabilize,
  transfer,
  resign: (run, command) => {
    run.cluster.input(runningIdAt(run, command, 0), (raft, nowMs) => {
      raft.stepDown(nowMs, 'DISK_STALLED');
    });
  },
  members,
  compact: (run, command) => {
    run.cluster.compact(runningIdAt(run, command, 0), asNumber(command, command.words[1] ?? ''));
  },
  expect: expectThat,
  log: (run, command) => {
    const id = idAt(run, command, 0);
    run.transcript.say(`${id}: ${printEntries(run.cluster.disk(id).readable.entries)}`);
  },
  status,
  progress: (run, command) => {
    for (const [peer, progress] of run.cluster.raft(runningIdAt(run, command, 0)).progress) {
      run.transcript.say(printProgress(peer, progress));
    }
  },
};

/**
 * Runs a scenario file, on the production core unless told, and returns it with the output that its commands have now.
 *
 * @throws {ScenarioError} for a command that cannot be read or run, and an `expect` that does not hold.
 */
export function replay(text: string, core: typeof Raft = Raft): string {
  const run = new Run(core);
  return renderScenario(parseScenario(text), ({ commands }) => {
    const lines = commands.flatMap((command) => execute(run, command));
    return lines.length === 0 ? ['ok'] : lines;
  });
}

function execute(run: Run, command: Command): readonly string[] {
  run.transcript.brief = false;
  try {
    VERBS[command.verb](run, command);
  } catch (error) {
    if (error instanceof ScenarioError || !(error instanceof Error)) throw error;
    throw new ScenarioError(command.line, `${error.name}: ${error.message}`);
  }
  return run.transcript.take();
}

function addBrokers(run: Run, command: Command): void {
  const tuning: Record<string, number> = {};
  const replicas = asNumber(command, command.words[0] ?? '');
  const voters = numberOption(command, 'voters', replicas);
  for (const [key, value] of command.options) {
    if (key === 'voters') continue;
    if (!Object.hasOwn(DEFAULT_RAFT_TUNING, key)) throw new ScenarioError(command.line, `no tuning "${key}"`);
    tuning[key] = asNumber(command, value);
  }
  const { flags } = command;
  run.begin({ replicas, voters, tuning, persistCommit: flags.has('persist-commit') }, flags.has('elected'));
  if (flags.has('elected')) printStatuses(run, run.cluster.ids);
}

/** Gives a broker a past: it restarts with a log of the given terms on its disk. */
function load(run: Run, command: Command): void {
  const id = runningIdAt(run, command, 0);
  const { cluster, transcript } = run;
  const terms = (command.options.get('terms') ?? '').split(',').filter((term) => term !== '');
  const text = command.options.get('text') ?? '';
  const entries = terms.map((term, at) => run.loadedEntry(at + 1, asNumber(command, term), text));
  const vote = command.options.get('vote');
  transcript.silent = true;
  cluster.crash(id);
  const hardState = {
    term: asTerm(numberOption(command, 'term', entries.at(-1)?.term ?? 0)),
    votedFor: vote === undefined ? undefined : knownId(run, command, vote),
    commit: asLogIndex(numberOption(command, 'commit', 0)),
  };
  cluster.disk(id).write(1, hardState, entries);
  cluster.disk(id).sync();
  cluster.restart(id);
  transcript.silent = false;
}

function propose(run: Run, command: Command): void {
  const id = runningIdAt(run, command, 0);
  const result = run.cluster.propose(id, command.words[1] ?? '');
  if (!result.ok) run.transcript.say(`${id} refuses: ${result.reason}`);
}

function members(run: Run, command: Command): void {
  const id = runningIdAt(run, command, 0);
  const voters = idsIn(run, command, command.words[1] ?? '');
  const learners = idsIn(run, command, command.options.get('learners') ?? '');
  const result = run.cluster.changeMembership(id, { voters, learners });
  if (!result.ok) run.transcript.say(`${id} refuses: ${result.reason}`);
}

/** Delivers, loses, damages or doubles what is on the way now; what that causes stays on the way. */
function deliver(run: Run, command: Command): void {
  const { cluster, transcript } = run;
  const { network } = cluster;
  const wanted = selected(run, command);
  for (const message of command.flags.has('reorder') ? wanted.toReversed() : wanted) {
    if (command.flags.has('drop')) {
      network.drop((one) => one === message);
      continue;
    }
    if (command.flags.has('damage')) {
      network.drop((one) => one === message);
      cluster.step(damaged(command, message));
      continue;
    }
    cluster.deliver((one) => one === message);
    if (command.flags.has('dup')) network.messages.push(message);
  }
  if (command.flags.has('drop')) transcript.say(`${String(wanted.length)} lost`);
}

/** A chunk of a snapshot whose first byte is another. */
function damaged(command: Command, message: Message): Message {
  if (message.kind !== 'installSnapshot' || message.chunk.length === 0) {
    throw new ScenarioError(command.line, 'only a chunk of a snapshot can be damaged');
  }
  return { ...message, chunk: message.chunk.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) };
}

function crash(run: Run, command: Command): void {
  const id = runningIdAt(run, command, 0);
  const survived = survivedOf(run, command);
  run.transcript.forget(id);
  if (command.flags.has('unseen')) run.cluster.crashUnseen(id, survived);
  else run.cluster.crash(id, survived);
}

function survivedOf(run: Run, command: Command): Survived {
  const lose = command.options.get('lose') ?? 'all';
  const entries = command.options.get('entries');
  if (entries !== undefined && lose !== 'torn')
    throw new ScenarioError(command.line, 'entries= is for lose=torn');
  switch (lose) {
    case 'all':
      return { writes: 0, tornEntries: undefined };
    case 'none':
      return { writes: run.cluster.disk(idAt(run, command, 0)).pendingWrites, tornEntries: undefined };
    case 'torn':
      return { writes: 0, tornEntries: numberOption(command, 'entries', 0) };
    default:
      throw new ScenarioError(command.line, `lose= is all, none or torn, not "${lose}"`);
  }
}

function link(run: Run, command: Command): void {
  const { cluster } = run;
  const [from, to, move] = [idAt(run, command, 0), idAt(run, command, 1), command.words[2]];
  const ways = command.flags.has('one-way')
    ? [{ from, to }]
    : [
        { from, to },
        { from: to, to: from },
      ];
  if (move !== 'up' && move !== 'down') throw new ScenarioError(command.line, 'a link goes up or down');
  for (const way of ways) {
    if (move === 'down') cluster.cutOneWay(way.from, way.to);
    else cluster.network.open(way.from, way.to);
  }
  if (move === 'up') for (const way of ways) cluster.hear(way.to, way.from);
}

/** Lets the time of one timer come, and runs that one only. */
function tick(run: Run, command: Command): void {
  const id = runningIdAt(run, command, 0);
  const { deadlineMs } = run.cluster.raft(id);
  if (deadlineMs === Infinity) {
    run.transcript.say(`${id} has no timer`);
    return;
  }
  run.cluster.nowMs = Math.max(run.cluster.nowMs, deadlineMs);
  run.cluster.tickOne(id);
}

/** Delivers all, among the named brokers only when some are named, until nothing is on the way. */
function stabilize(run: Run, command: Command): void {
  const { cluster, transcript } = run;
  const among = command.words.map((word) => knownId(run, command, word));
  const inside = (id: string): boolean => among.length === 0 || among.includes(id);
  transcript.brief = true;
  for (let count = 0; ; count++) {
    invariant(count < DELIVERIES_MAX, 'the cluster comes to rest');
    const message = cluster.deliver(({ from, to }) => inside(from) && inside(to));
    if (message === undefined && (among.length > 0 || !cluster.deliverNotice())) return;
  }
}

function transfer(run: Run, command: Command): void {
  const from = runningIdAt(run, command, 0);
  const target = command.words[1] === 'best' ? undefined : idAt(run, command, 1);
  const maxBlockMs = numberOption(command, 'max-block-ms', MAX_BLOCK_MS);
  const result = run.cluster.input(from, (raft, nowMs) =>
    raft.transferLeadership(nowMs, target, maxBlockMs, 'REQUESTED'),
  );
  if (!result.ok) run.transcript.say(`${from} refuses: ${result.reason}`);
}

function status(run: Run, command: Command): void {
  printStatuses(run, command.words.length === 0 ? run.cluster.ids : [idAt(run, command, 0)]);
}

function printStatuses({ cluster, transcript }: Run, ids: readonly string[]): void {
  for (const id of ids) {
    if (!cluster.isRunning(id)) transcript.say(`${id} is down`);
    else transcript.say(printStatus(id, cluster.raft(id), cluster.disk(id), cluster.nowMs));
  }
}
