/**
 * The language of the scenario files: its verbs, and a parser that knows them.
 *
 * A file is a row of blocks, parted by blank lines. A block is input lines, then `----`, then the output
 * that they must have. An input line is a command, `verb word ... key=value ...`, or a `#` comment. A
 * block of comments alone has no output.
 */

/** What follows a verb: how many words, which keys, and which words are switches wherever they stand. */
interface Grammar {
  readonly usage: string;
  readonly wordsMin: number;
  readonly wordsMax: number;
  /** Undefined: any key, which the verb looks at itself. */
  readonly keys?: readonly string[] | undefined;
  readonly flags?: readonly string[];
}

const MANY = 64;
const ONE_ID = { wordsMin: 1, wordsMax: 1, keys: [] } as const;
const SELECTION = {
  wordsMin: 0,
  wordsMax: 1,
  keys: ['from', 'kind', 'count'],
} as const;

/** Every verb. */
export const GRAMMAR = {
  'add-brokers': {
    usage: 'add-brokers N [voters=N] [elected] [persist-commit] [TUNING=NUMBER ...]',
    wordsMin: 1,
    wordsMax: 1,
    keys: undefined,
    flags: ['elected', 'persist-commit'],
  },
  load: {
    usage: 'load ID terms=1,1,2 [text=TEXT] [term=N] [vote=ID] [commit=N]',
    ...ONE_ID,
    keys: ['terms', 'text', 'term', 'vote', 'commit'],
  },
  campaign: { usage: 'campaign ID', ...ONE_ID },
  propose: { usage: 'propose ID TEXT', wordsMin: 2, wordsMax: 2, keys: [] },
  deliver: {
    usage: 'deliver [TO] [from=ID] [kind=KIND] [count=N] [drop | dup | damage] [reorder]',
    ...SELECTION,
    flags: ['drop', 'dup', 'damage', 'reorder'],
  },
  delay: { usage: 'delay [TO] [from=ID] [kind=KIND] [count=N]', ...SELECTION },
  release: { usage: 'release', wordsMin: 0, wordsMax: 0, keys: [] },
  'hold-sync': { usage: 'hold-sync ID', ...ONE_ID },
  sync: { usage: 'sync ID', ...ONE_ID },
  'release-sync': { usage: 'release-sync ID', ...ONE_ID },
  crash: {
    usage: 'crash ID [lose=all|none|torn] [entries=N] [unseen]',
    wordsMin: 1,
    wordsMax: 1,
    keys: ['lose', 'entries'],
    flags: ['unseen'],
  },
  restart: { usage: 'restart ID', ...ONE_ID },
  wipe: { usage: 'wipe ID', ...ONE_ID },
  replaced: { usage: 'replaced ID', ...ONE_ID },
  link: { usage: 'link A B up|down [one-way]', wordsMin: 3, wordsMax: 3, keys: [], flags: ['one-way'] },
  advance: { usage: 'advance MS', wordsMin: 1, wordsMax: 1, keys: [] },
  tick: { usage: 'tick ID', ...ONE_ID },
  stabilize: { usage: 'stabilize [ID ...]', wordsMin: 0, wordsMax: MANY, keys: [] },
  transfer: {
    usage: 'transfer FROM TO|best [max-block-ms=N]',
    wordsMin: 2,
    wordsMax: 2,
    keys: ['max-block-ms'],
  },
  resign: { usage: 'resign ID', ...ONE_ID },
  members: { usage: 'members LEADER ID,... [learners=ID,...]', wordsMin: 2, wordsMax: 2, keys: ['learners'] },
  compact: { usage: 'compact ID INDEX', wordsMin: 2, wordsMax: 2, keys: [] },
  expect: {
    usage:
      'expect leader=ID [term=N] | expect log ID == ENTRY ... | expect commit ID=N ... | ' +
      'expect base ID=N ... | expect members ID=VOTER,...[+LEARNER,...] ... | expect match LEADER ID=N ...',
    wordsMin: 0,
    wordsMax: MANY,
    keys: undefined,
  },
  log: { usage: 'log ID', ...ONE_ID },
  status: { usage: 'status [ID]', wordsMin: 0, wordsMax: 1, keys: [] },
  progress: { usage: 'progress ID', ...ONE_ID },
} as const satisfies Record<string, Grammar>;

export type Verb = keyof typeof GRAMMAR;

export interface Command {
  readonly verb: Verb;
  /** The words behind the verb, switches left out. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
  /** Where it stands, from 1. */
  readonly line: number;
}

/** One block: its input as written, the commands in it; none for a block of comments. */
export interface Block {
  readonly input: readonly string[];
  readonly commands: readonly Command[];
}

/** A file that cannot be run, or whose expectation does not hold; the message names the line. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';

  constructor(line: number, problem: string) {
    super(`line ${String(line)}: ${problem}`);
  }
}

const DIVIDER = '----';

/** @throws {ScenarioError} for an unknown verb or argument. */
export function parseScenario(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let input: string[] = [];
  let commands: Command[] = [];
  let inOutput = false;
  for (const [at, line] of [...text.split('\n'), ''].entries()) {
    if (line.trim() === '') {
      if (input.length > 0) blocks.push({ input, commands });
      [input, commands, inOutput] = [[], [], false];
    } else if (line === DIVIDER) inOutput = true;
    else if (!inOutput) {
      input.push(line.trimEnd());
      if (!line.startsWith('#')) commands.push(parseCommand(line, at + 1));
    }
  }
  return blocks;
}

/** Writes a file anew, with the given output behind each block that has commands. */
export function renderScenario(
  blocks: readonly Block[],
  outputOf: (block: Block) => readonly string[],
): string {
  const chunks = blocks.map((block) =>
    block.commands.length === 0 ? block.input : [...block.input, DIVIDER, ...outputOf(block)],
  );
  return chunks.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function parseCommand(text: string, line: number): Command {
  const [verb = '', ...rest] = text.trim().split(/\s+/);
  if (!isVerb(verb))
    throw new ScenarioError(line, `unknown verb "${verb}"; known: ${Object.keys(GRAMMAR).join(', ')}`);
  const grammar: Grammar = GRAMMAR[verb];
  const words: string[] = [];
  const options = new Map<string, string>();
  const flags = new Set<string>();
  const wrong = (problem: string): never => {
    throw new ScenarioError(line, `${problem}; usage: ${grammar.usage}`);
  };
  for (const word of rest) {
    const [, key, value] = /^([\w-]+)=([^=].*)$/.exec(word) ?? [];
    if (key !== undefined && value !== undefined) {
      if (grammar.keys !== undefined && !grammar.keys.includes(key)) wrong(`unknown argument "${key}="`);
      if (options.has(key)) wrong(`"${key}=" stands twice`);
      options.set(key, value);
    } else if (grammar.flags?.includes(word) === true) flags.add(word);
    else words.push(word);
  }
  if (words.length < grammar.wordsMin) wrong('too few arguments');
  if (words.length > grammar.wordsMax) wrong(`unexpected argument "${words.at(-1) ?? ''}"`);
  return { verb, words, options, flags, line };
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(GRAMMAR, word);
}
