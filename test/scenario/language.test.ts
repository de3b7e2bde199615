/** The language of the scenario files: what it takes, and how it refuses. */

import { describe, expect, it } from 'vitest';

import { replay } from './interpreter.js';
import { parseScenario, renderScenario, ScenarioError } from './language.js';

describe('a scenario file', () => {
  it('is written as it was read, but for the output', () => {
    const text = '# About.\n\n# Why.\ntick n1\nlog n1\n----\nold\n\nrelease\n----\nok\n';
    const written = renderScenario(parseScenario(text), ({ commands }) => [String(commands.length)]);
    expect(written).toBe('# About.\n\n# Why.\ntick n1\nlog n1\n----\n2\n\nrelease\n----\n1\n');
  });

  it('needs no output yet: a new block gets its first', () => {
    expect(replay('add-brokers 1\nlog n1\n')).toBe('add-brokers 1\nlog n1\n----\nn1: none\n');
  });

  it('knows words, keys and switches wherever they stand', () => {
    const [block] = parseScenario('deliver drop from=n2 n1\n');
    expect(block?.commands[0]).toEqual({
      verb: 'deliver',
      words: ['n1'],
      options: new Map([['from', 'n2']]),
      flags: new Set(['drop']),
      line: 1,
    });
  });

  it('replays to the same bytes', () => {
    const text = 'add-brokers 3 elected\ncrash n1\nadvance 5000\nstatus\n';
    expect(replay(text)).toBe(replay(text));
  });
});

describe('a command that cannot be read or run', () => {
  it.each([
    ['an unknown verb', 'explode n1', /line 2: unknown verb "explode"; known: add-brokers, /],
    ['an unknown word', 'tick n1 n2', /line 2: unexpected argument "n2"; usage: tick ID/],
    ['an unknown key', 'deliver via=n2', /line 2: unknown argument "via="; usage: deliver /],
    ['a key that stands twice', 'deliver from=n1 from=n2', /line 2: "from=" stands twice/],
    ['too few words', 'propose n1', /line 2: too few arguments; usage: propose ID TEXT/],
    ['an unknown broker', 'tick n9', /line 2: no broker is called "n9"/],
    ['an unknown kind', 'deliver kind=letter', /line 2: no message is of kind "letter"/],
    ['an unknown tuning', 'add-brokers 3 speed=9', /line 2: no tuning "speed"/],
    ['no number', 'advance soon', /line 2: "soon" is not a whole number/],
    ['a message that is not there', 'deliver n2', /line 2: no such message is on the way/],
    ['a write that is not there', 'sync n2', /line 2: n2 has no write on the way/],
    ['a broker that runs already', 'restart n2', /line 2: n2 runs/],
    ['a second cluster', 'add-brokers 3', /line 2: InvariantError/],
  ])('%s names its line', (_, command, message) => {
    const text = `add-brokers 3\n${command}\n`;
    expect(() => replay(text)).toThrow(ScenarioError);
    expect(() => replay(text)).toThrow(message);
  });
});

describe('an expectation', () => {
  it.each([
    ['leader', 'expect leader=n2', /leader: expected n2, found n1/],
    ['term', 'expect leader=n1 term=7', /term: expected 7, found 1/],
    ['log', 'expect log n3 == 1@1:other', /log of n3: expected 1@1:other, found 1@1:noop/],
    ['commit index', 'expect commit n1=1 n2=0', /commit index of n2: expected 0, found 1/],
    ['subject', 'expect weather fine', /expect knows leader=, log, commit, base/],
    ['argument', 'expect log n3 == 1@1:noop commit=1', /expect log ID == ENTRY/],
  ])('of a wrong %s fails, also while recording', (_, command, message) => {
    expect(() => replay(`add-brokers 3 elected\n${command}\n`)).toThrow(message);
  });
});
