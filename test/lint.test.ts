/** Proves that the lint gate bites: a gate that reports nothing may as well be switched off. */
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A file of that program; only its path is used, its text is replaced. */
const HOST_FILE = 'src/invariant.ts';

describe('eslint.config.js', () => {
  let eslint: ESLint;

  // Builds a TypeScript program, which takes seconds on a busy machine.
  beforeAll(async () => {
    eslint = new ESLint({
      cwd: root,
      overrideConfig: {
        languageOptions: {
          parserOptions: {
            // The rules are what is tested; the smaller program is built ten times as fast.
            project: './tsconfig.pure.json',
            // With CI set, typescript-eslint takes types from the files on disk, not from the text given here.
            disallowAutomaticSingleRunInference: true,
          },
        },
      },
    });
    await errorsIn('');
  }, 20_000);

  async function errorsIn(source: string): Promise<(string | null)[]> {
    const [result] = await eslint.lintText(source, { filePath: HOST_FILE });
    return (result ?? expect.fail('nothing was linted')).messages.map(({ ruleId }) => ruleId);
  }

  it.each([
    [
      'a floating promise',
      'async function save(): Promise<void> {}\nexport function run(): void {\n  save();\n}\n',
      '@typescript-eslint/no-floating-promises',
    ],
    [
      'an async listener whose rejection is lost',
      'export function run(list: string[]): void {\n  list.forEach(async (text) => Promise.reject(new Error(text)));\n}\n',
      '@typescript-eslint/no-misused-promises',
    ],
    [
      'a switch that forgets a case',
      "export function name(role: 'leader' | 'follower'): string | undefined {\n  switch (role) {\n    case 'leader':\n      return 'L';\n  }\n  return undefined;\n}\n",
      '@typescript-eslint/switch-exhaustiveness-check',
    ],
    [
      'an explicit any',
      'export const value = (x: any): unknown => x;\n',
      '@typescript-eslint/no-explicit-any',
    ],
    [
      'a non-null assertion',
      'export const first = (list: string[]): string => list[0]!;\n',
      '@typescript-eslint/no-non-null-assertion',
    ],
  ])('finds %s, and nothing else', async (_, source, rule) => {
    expect(await errorsIn(source)).toEqual([rule]);
  });

  it('finds nothing in code that awaits', async () => {
    const source =
      'async function save(): Promise<void> {}\nexport async function run(): Promise<void> {\n  await save();\n}\n';
    expect(await errorsIn(source)).toEqual([]);
  });
});
