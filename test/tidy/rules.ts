/** The house rules that no linter knows, each a pure function from a file to its breaches. */
import { basename } from 'node:path';
import ts from 'typescript';
import { at, type Breach, findNodes, type TextFile } from './source.js';

/** Lines of a file of src/ or test/ at most. */
export const FILE_LINES_MAX = 320;

/** What the pure folders must not name, and what to do instead. */
const IMPURE: Readonly<Record<string, string>> = {
  Date: 'take the time as an argument',
  Promise: 'return the result, or a value that says what to do next',
  setTimeout: 'count ticks',
  setInterval: 'count ticks',
  setImmediate: 'return what is to be done next',
  queueMicrotask: 'return what is to be done next',
  performance: 'take the time as an argument',
  crypto: 'take random numbers as an argument',
  console: 'return what is to be reported',
  process: 'take settings as arguments',
  Buffer: 'use Uint8Array',
  TextEncoder: 'use src/records/utf8.ts',
  TextDecoder: 'use src/records/utf8.ts',
};

const PURE_FOLDERS = /^src\/(?:raft|records|log|cluster|history)\//;

/** Clocks, randomness, promises, timers and the outside world in raft, records, log, cluster and history. */
export function impurities(file: TextFile): Breach[] {
  if (!PURE_FOLDERS.test(file.path)) return [];
  return findNodes(file, (node) => {
    if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) {
      return 'a pure folder does not wait; return a value that says what to do next';
    }
    if (isProperty(node, 'Math', 'random')) {
      return 'Math.random in a pure folder; take random numbers as an argument';
    }
    if (!ts.isIdentifier(node) || isMemberName(node)) return undefined;
    const advice = Object.hasOwn(IMPURE, node.text) ? IMPURE[node.text] : undefined;
    return advice === undefined ? undefined : `${node.text} in a pure folder; ${advice}`;
  });
}

/** `any`, default exports and `export *`. */
export function banishedSyntax(file: TextFile): Breach[] {
  return findNodes(file, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) return 'any; use unknown and narrow it';
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      return ts.isDefaultClause(node.parent) ? undefined : 'default export; export by name';
    }
    if (ts.isExportDeclaration(node) && node.exportClause === undefined) {
      return 'export *; name what is exported';
    }
    return undefined;
  });
}

/** The command line hands the environment to src/config.ts, which alone knows what is in it. */
const ENVIRONMENT_READERS = ['src/config.ts', 'src/cli/io.ts'];

/** `process.env` anywhere else. */
export function environmentReads(file: TextFile): Breach[] {
  if (ENVIRONMENT_READERS.includes(file.path)) return [];
  return findNodes(file, (node) =>
    isProperty(node, 'process', 'env') ? 'process.env; read it in src/config.ts' : undefined,
  );
}

/** Tests that are switched off, or that switch off the others. */
export function focusedOrSkippedTests(file: TextFile): Breach[] {
  const verbs = ['describe', 'it', 'test'];
  return findNodes(file, (node) => {
    if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
    if (!verbs.includes(node.expression.text)) return undefined;
    if (!['only', 'skip', 'todo', 'fails'].includes(node.name.text)) return undefined;
    return `${node.getText()}; every test runs, always: mend it or delete it`;
  });
}

/** Files longer than a reader takes in. */
export function overlongFile(file: TextFile): Breach[] {
  const lines = file.text.trimEnd().split('\n').length;
  if (lines <= FILE_LINES_MAX) return [];
  return [at(file, lines, `${String(lines)} lines, at most ${String(FILE_LINES_MAX)}; split it by concern`)];
}

/** Files that do not open with a doc comment that says what they own. */
export function missingOpening(file: TextFile): Breach[] {
  if (/^(?:#!.*\n)?\/\*\*\s+(?:\*\s+)?[A-Z`]/.test(file.text)) return [];
  return [at(file, 1, 'open the file with a doc comment: one or two sentences on what it owns')];
}

/** Files that are not named in kebab-case. */
export function oddName(file: TextFile): Breach[] {
  if (/^[a-z0-9]+(?:-[a-z0-9]+)*(?:(?:\.[a-z0-9]+)?\.test)?\.ts$/.test(basename(file.path))) return [];
  return [at(file, 1, 'name the file in kebab-case after the thing it exports')];
}

/** Promises to do something later. */
export function unfinishedBusiness(file: TextFile): Breach[] {
  const words = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);
  return linesMatching(file, words, 'do it now, or open an issue');
}

/** Paths that exist on one machine only. */
export function machinePaths(file: TextFile): Breach[] {
  const folders = new RegExp(`(?<![\\w.}])/(?:${['home', 'root', 'work', 'Users'].join('|')})/\\w`);
  return linesMatching(file, folders, 'a path of one machine; make it relative');
}

/** Documents with no title, or more than one. */
export function titleCount(file: TextFile): Breach[] {
  const prose = file.text.replaceAll(/^```[^]*?^```/gm, '');
  const titles = prose.split('\n').filter((line) => line.startsWith('# ')).length;
  return titles === 1 ? [] : [at(file, 1, `${String(titles)} titles; a document has one "# Title"`)];
}

function linesMatching(file: TextFile, pattern: RegExp, advice: string): Breach[] {
  return file.text.split('\n').flatMap((line, index) => {
    const found = pattern.exec(line);
    return found === null ? [] : [at(file, index + 1, `${found[0]}: ${advice}`)];
  });
}

function isProperty(node: ts.Node, object: string, property: string): boolean {
  return (
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === object &&
    node.name.text === property
  );
}

/** True for a name that says which member is meant (`x.process`, `{ process: 1 }`), not a global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent)) &&
    parent.name === node
  );
}
