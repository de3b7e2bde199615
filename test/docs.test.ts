/** Holds the pages in docs/ to the code: every row documented, every documented row real. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type ErrorRow, GRPC_CODE } from '../src/error-row.js';
import { ERROR_TABLE } from '../src/error-table.js';
import { isReason } from '../src/errors.js';
import { findNodes, readFolder, readTextFile, type TextFile } from './tidy/source.js';

const errorsPage = readFileSync('docs/ERRORS.md', 'utf8');

/** The rows of a page that begin with a reason, by reason, each as its other cells. */
function documentedRows(page: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of page.split('\n')) {
    const [, first, ...cells] = line.split('|').map((cell) => cell.trim());
    const reason = /^`(?<reason>[A-Z_]+)`$/.exec(first ?? '')?.groups?.['reason'];
    if (reason !== undefined) rows.set(reason, cells.slice(0, -1).join(' | '));
  }
  return rows;
}

function rowOf({ code, outcome, retry, meaning, action }: ErrorRow): string {
  const codeName = Object.entries(GRPC_CODE).find(([, value]) => value === code)?.[0];
  return [codeName ?? `code ${String(code)}`, outcome, `\`${retry}\``, meaning, action].join(' | ');
}

/** Where a page and the error table differ, each with what to write. */
function differences(page: string): string[] {
  const documented = documentedRows(page);
  const wrong = Object.entries<ErrorRow>(ERROR_TABLE)
    .filter(([reason, row]) => documented.get(reason) !== rowOf(row))
    .map(([reason, row]) => `write: | \`${reason}\` | ${rowOf(row)} |`);
  const unreal = [...documented.keys()]
    .filter((reason) => !isReason(reason))
    .map((reason) => `delete: ${reason} is no row of src/error-table.ts`);
  return [...wrong, ...unreal];
}

/** Reasons that a file passes to a call, returns or chooses, rather than looks for. */
function raisedReasons(file: TextFile): string[] {
  const reasons: string[] = [];
  findNodes(file, (node) => {
    if (!ts.isStringLiteral(node) || !isReason(node.text)) return undefined;
    const { parent } = node;
    const passed = ts.isNewExpression(parent) || ts.isCallExpression(parent);
    const chosen = ts.isConditionalExpression(parent) || ts.isReturnStatement(parent);
    const given = ts.isPropertyAssignment(parent) || ts.isArrowFunction(parent);
    if (passed || chosen || given) reasons.push(node.text);
    return undefined;
  });
  return reasons;
}

describe('docs/ERRORS.md', () => {
  it('has every row of the error table as it is, and no other', () => {
    expect(differences(errorsPage).join('\n')).toBe('');
  });

  it.each([
    [
      'a changed outcome',
      /(`NOT_LEADER` +\| \w+ +\| )NOT_APPLIED/,
      '$1APPLIED',
      /^write: \| `NOT_LEADER` \|/,
    ],
    ['a missing row', /^\| `NO_LEADER`.*\n/m, '', /^write: \| `NO_LEADER` \|/],
    ['an invented row', /^(?=\| `NO_LEADER`)/m, '| `NO_BODY` | a | b | c | d | e |\n', /^delete: NO_BODY/],
  ])('is caught with %s', (_, pattern, replacement, difference) => {
    expect(differences(errorsPage.replace(pattern, replacement))).toEqual([
      expect.stringMatching(difference),
    ]);
  });

  it('explains every outcome and every retry class', () => {
    for (const { outcome, retry } of Object.values(ERROR_TABLE)) {
      expect(errorsPage).toMatch(new RegExp(`^\\| ${outcome} +\\| \\w`, 'm'));
      expect(errorsPage).toMatch(new RegExp(`^\\| \`${retry}\` +\\| \\w`, 'm'));
    }
  });
});

describe('the error table', () => {
  const sources = readFolder('src', '.ts').filter(({ path }) => !path.startsWith('src/error-table'));

  const raised = new Set(sources.flatMap(raisedReasons));

  it.each(Object.keys(ERROR_TABLE))(
    '%s is raised somewhere: a row that nothing raises is a lie',
    (reason) => {
      expect([...raised]).toContain(reason);
    },
  );

  it('does not take a comparison or a list of reasons for raising one', () => {
    const raising = "throw new BellwetherError('NO_LEADER', text); return late ? 'INTERNAL' : 'NOT_LEADER';";
    const using = "if (e.reason === 'FENCED_TERM' || ['STORAGE_FAILED'].includes(e.reason)) f();";
    expect(raisedReasons({ path: 'src/a.ts', text: raising + using })).toEqual([
      'NO_LEADER',
      'INTERNAL',
      'NOT_LEADER',
    ]);
  });

  it('has reasons of at most 63 characters in upper snake case (AIP-193)', () => {
    for (const reason of Object.keys(ERROR_TABLE)) expect(reason).toMatch(/^[A-Z][A-Z0-9_]{0,62}$/);
  });

  it('calls no request safe to send again that may have been applied', () => {
    for (const { outcome, retry } of Object.values<ErrorRow>(ERROR_TABLE)) {
      expect(outcome === 'NOT_APPLIED').toBe(retry !== 'unknown_outcome');
    }
  });
});

describe('links', () => {
  const atRoot = readdirSync('.').filter((name) => name.endsWith('.md'));

  it.each([...readFolder('docs', '.md'), ...atRoot.map(readTextFile)])(
    'of $path lead to files of the repository',
    ({ path, text }) => {
      const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)(?<target>[^)#\s]+)/g)].map(
        ({ groups }) => groups?.['target'] ?? '',
      );
      expect(targets.filter((target) => !existsSync(join(dirname(path), target)))).toEqual([]);
    },
  );
});
