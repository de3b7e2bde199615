/**
 * House rules as tests: the layering, purity and tidiness of the repository.
 *
 * Each rule is run on the whole repository and on an input that breaks it: a rule that never bites
 * proves nothing. A message says how to mend the breach.
 */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALLOWED, importCycles, layerBreaches, unreachableFiles } from './tidy/layers.js';
import {
  banishedSyntax,
  environmentReads,
  FILE_LINES_MAX,
  focusedOrSkippedTests,
  impurities,
  machinePaths,
  missingOpening,
  oddName,
  overlongFile,
  titleCount,
  unfinishedBusiness,
} from './tidy/rules.js';
import { type Breach, readFolder, readTextFile, type TextFile } from './tidy/source.js';

type Rule = (file: TextFile) => Breach[];

const sources = readFolder('src', '.ts');
const tests = readFolder('test', '.ts');
const documents = [
  ...readFolder('docs', '.md'),
  ...readdirSync('.')
    .filter((name) => name.endsWith('.md'))
    .map(readTextFile),
];
const scripts = ['scripts', 'bench', 'bin', '.ci']
  .filter(existsSync)
  .flatMap((folder) => readFolder(folder, ''));
const protos = readFolder('proto', '.proto');

/** Applies a rule to every file and expects no breach; shows each on a line of its own. */
function expectTidy(files: readonly TextFile[], rule: Rule): void {
  expect(files.flatMap(rule).join('\n')).toBe('');
}

function file(path: string, ...lines: readonly string[]): TextFile {
  return { path, text: lines.join('\n') };
}

describe('layers', () => {
  it('imports go down a floor, and only what the allow-list names', () => {
    expectTidy(sources, layerBreaches);
  });

  it('every folder of src has an allowance', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) expect(Object.keys(ALLOWED)).toContain(name);
  });

  it.each([
    ['up a floor', 'src/raft/a.ts', '../broker/b.js', /raft must not import src\/broker\/b\.ts; raft may/],
    ['across a floor', 'src/client/a.ts', '../testing/b.js', /client must not import src\/testing/],
    ['the core from the SDK', 'src/client/a.ts', '../raft/types.js', /client must not import src\/raft/],
    ['generated code into the core', 'src/log/a.ts', '../../gen/x.js', /must not see generated code/],
    ['Node into the core', 'src/raft/a.ts', 'node:os', /"node:os" is not for this folder/],
    ['files outside storage', 'src/broker/a.ts', 'node:fs/promises', /matter of src\/storage/],
    ['gRPC outside the shell', 'src/broker/a.ts', '@grpc/grpc-js', /"@grpc\/grpc-js" is not for/],
    ['anything into the error table', 'src/error-table.ts', './raft/types.js', /is imported everywhere/],
    ['tests into the sources', 'src/rpc/a.ts', '../../test/b.js', /is not for this folder/],
    ['from a folder without allowance', 'src/misc/a.ts', './b.js', /has no allowance/],
  ])('finds an import %s', (_, path, imported, message) => {
    for (const line of [
      `import { x } from '${imported}';`,
      `import type { x } from '${imported}';`,
      `export { x } from '${imported}';`,
      `const x = await import('${imported}');`,
    ]) {
      expect(layerBreaches(file(path, line)), line).toEqual([expect.stringMatching(message)]);
    }
  });

  it.each([
    ['src/rpc/a.ts', '../broker/b.js'],
    ['src/rpc/a.ts', '../../gen/x.js'],
    ['src/client/a.ts', '../errors.js'],
    ['src/storage/a.ts', 'node:fs'],
    ['src/wire/a.ts', '@bufbuild/protobuf/wire'],
  ])('lets %s import %s', (path, imported) => {
    expect(layerBreaches(file(path, `import { x } from '${imported}';`))).toEqual([]);
  });

  it('there are no import cycles', () => {
    expect(importCycles(sources).join('\n')).toBe('');
  });

  it('finds an import cycle, once', () => {
    const circle = [
      file('src/a/one.ts', "import { two } from './two.js';"),
      file('src/a/two.ts', "import { three } from '../b/three.js';"),
      file('src/b/three.ts', "import type { One } from '../a/one.js';"),
      file('src/b/four.ts', "import { one } from '../a/one.js';"),
    ];
    expect(importCycles(circle)).toEqual([
      expect.stringMatching(/^src\/a\/one\.ts -> src\/a\/two\.ts -> src\/b\/three\.ts -> src\/a\/one\.ts:/),
    ]);
  });

  it('everything in src is reached from a published door, the command line or the simulator', () => {
    const published = [readTextFile('package.json'), ...readFolder('bin', '')]
      .flatMap(({ text }) => [...text.matchAll(/dist\/(src\/[\w/-]+)\.js/g)])
      .map(([, path]) => `${String(path)}.ts`);
    const simulator = sources.filter(({ path }) => path.startsWith('src/sim/')).map(({ path }) => path);
    expect(published.length).toBeGreaterThan(1);
    expect(published.filter((path) => !existsSync(path))).toEqual([]);
    expect(unreachableFiles(sources, [...published, ...simulator]).join('\n')).toBe('');
  });

  it('finds a file that nothing reaches, also when such files import each other', () => {
    const files = [
      file('src/cli/main.ts', "import { used } from './used.js';"),
      file('src/cli/used.ts'),
      file('src/cli/dead.ts', "import { deader } from './deader.js';"),
      file('src/cli/deader.ts', "import { dead } from './dead.js';"),
    ];
    expect(unreachableFiles(files, ['src/cli/main.ts'])).toEqual([
      expect.stringContaining('src/cli/dead.ts'),
      expect.stringContaining('src/cli/deader.ts'),
    ]);
  });
});

/** Every rule on single files: where it holds, and inputs that it must and must not object to. */
const RULES: readonly {
  readonly name: string;
  readonly rule: Rule;
  readonly files: readonly TextFile[];
  readonly bad: readonly TextFile[];
  readonly good: readonly TextFile[];
}[] = [
  {
    name: 'the core is pure',
    rule: impurities,
    files: sources,
    bad: [
      'const t = Date.now();',
      'const t = new Date();',
      'const r = Math.random();',
      'setTimeout(f, 1);',
      'async function f() {}',
      'function f(): Promise<void> {}',
      'await f();',
      "console.log('x');",
      'const e = process.env;',
      'const b = Buffer.alloc(1);',
      'const e = new TextEncoder();',
    ].map((line) => file('src/raft/a.ts', line)),
    good: [
      file('src/log/a.ts', '// A promise of Date.now(), in words.', 'entry.process(x.Date);'),
      file('src/broker/a.ts', 'const t = Date.now();'),
    ],
  },
  {
    name: 'no any, no default export, no export *',
    rule: banishedSyntax,
    files: [...sources, ...tests],
    bad: [
      file('src/a.ts', 'let x: any;'),
      file('src/a.ts', 'const x = y as any;'),
      file('src/a.ts', 'export default function f() {}'),
      file('src/a.ts', 'export default 1;'),
      file('src/a.ts', "export * from './b.js';"),
    ],
    good: [file('src/a.ts', '// any default', 'switch (x) { default: f(); }', "export { b } from './b.js';")],
  },
  {
    name: 'only src/config.ts reads the environment',
    rule: environmentReads,
    files: sources,
    bad: [file('src/cli/a.ts', "const home = process.env['HOME'];")],
    good: [file('src/config.ts', 'parse(process.env);')],
  },
  {
    name: 'no test is skipped or alone',
    rule: focusedOrSkippedTests,
    files: tests,
    bad: ['it.only', 'it.skip', 'test.todo', 'describe.skip', 'describe.only', 'it.only.each([1])'].map(
      (call) => file('test/a.test.ts', `${call}('x', f);`),
    ),
    good: [file('test/a.test.ts', "it.each([1])('x', f);", 'reader.skip(3);')],
  },
  {
    name: 'files are short',
    rule: overlongFile,
    files: [...sources, ...tests],
    bad: [file('src/a.ts', ...Array.from({ length: FILE_LINES_MAX + 1 }, () => 'f();'))],
    good: [file('src/a.ts', ...Array.from({ length: FILE_LINES_MAX }, () => 'f();'), '')],
  },
  {
    name: 'every source opens by saying what it owns',
    rule: missingOpening,
    files: sources,
    bad: [file('src/a.ts', "import { b } from './b.js';"), file('src/a.ts', '// Not a doc comment.')],
    good: [file('src/a.ts', '/** Owns a. */'), file('src/a.ts', '/**', ' * Owns a.', ' */')],
  },
  {
    name: 'files have kebab-case names',
    rule: oddName,
    files: [...sources, ...tests],
    bad: [file('src/GroupLog.ts'), file('src/group_log.ts'), file('test/groupLog.test.ts')],
    good: [file('src/group-log.ts'), file('test/group-log.test.ts'), file('test/log.property.test.ts')],
  },
  {
    name: 'nothing is put off',
    rule: unfinishedBusiness,
    files: [...sources, ...tests, ...documents, ...scripts, ...protos],
    bad: ['TO' + 'DO', 'FIX' + 'ME'].map((word) => file('src/a.ts', `// ${word}: later`)),
    good: [file('src/a.ts', '// Nothing to do here.')],
  },
  {
    name: 'no path of one machine',
    rule: machinePaths,
    files: [...sources, ...tests, ...documents, ...scripts, ...protos],
    bad: ['home', 'work', 'Users'].map((top) => file('docs/a.md', `See /${top}/me/x.`)),
    good: [file('docs/a.md', 'https://example.org/home/me, ./work/me and src/work/me')],
  },
  {
    name: 'a document has one title',
    rule: titleCount,
    files: documents,
    bad: [file('docs/a.md', 'text'), file('docs/a.md', '# One', '# Two')],
    good: [file('docs/a.md', '# One', '## Part', '```sh', '# a comment', '```')],
  },
];

describe.each(RULES)('$name', ({ rule, files, bad, good }) => {
  it('in this repository', () => {
    expectTidy(files, rule);
  });

  it.each(bad)('finds: $path $text', (broken) => {
    expect(rule(broken)).toEqual([expect.stringMatching(/^[^:]+:\d+: ./)]);
  });

  it.each(good)('accepts: $path $text', (tidy) => {
    expect(rule(tidy)).toEqual([]);
  });
});
