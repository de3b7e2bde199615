// Type-aware lint: what the compiler cannot see. Formatting is prettier's, layering test/tidy.test.ts's.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['gen', 'dist', 'node_modules', 'third_party'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'vitest.config.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // Already in strictTypeChecked; named because the code base depends on them.
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // Not in it.
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // A default that calls unreachable() is an exhaustive switch too.
        { considerDefaultExhaustiveForUnions: true },
      ],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',

      // Numbers, booleans in messages are what we mean: offsets, terms, sizes.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => this.close()` is how short listeners read.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // A port's method is async for the implementation that needs it; another may have nothing to await.
      '@typescript-eslint/require-await': 'off',
      // gRPC codes are plain numbers in src/error-table.ts, which knows no gRPC.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      // noPropertyAccessFromIndexSignature asks for env['NAME'].
      '@typescript-eslint/dot-notation': 'off',
      // `_name` says that a parameter or a removed property is not used on purpose; tsc checks the rest.
      '@typescript-eslint/no-unused-vars': 'off',
      // A flag that changes during an await looks constant to the compiler, and an invariant that the
      // types promise may still be stated: types end at the wire and the disk.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test says with `!` what it has just set up, and with `expect` what it then finds.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // vitest's matchers are `any`, and its spies are looked at as `object.method`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Plain JavaScript: no types to be aware of.
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.strict],
  },
);
