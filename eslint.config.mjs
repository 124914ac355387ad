import tseslint from 'typescript-eslint';

/** Forbids imports in one room and says why. */
const noImports = (files, patterns) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns }],
  },
});

const noVscode = { group: ['vscode'], message: 'vscode is imported only in src/extension.ts and src/features.' };

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      '.venv',
      '.cache',
      '.sandbox',
      '**/.runpod-trainer',
      'examples',
      'gpu-worker',
      'test/fixtures/old-home/{home,project}',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './webview/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  // Arrows point one way: features -> core -> nothing; webview and features share messages and words only.
  noImports(
    ['src/core/**/*.ts'],
    [
      noVscode,
      { group: ['**/features/**', '**/cli/**', '**/sandbox/**', '**/webview/**'], message: 'core knows no caller.' },
    ],
  ),
  noImports(
    ['src/cli/**/*.ts', 'src/cli.ts'],
    [noVscode, { group: ['**/features/**', '**/webview/**'], message: 'The command line uses core only.' }],
  ),
  noImports(
    ['sandbox/**/*.ts'],
    [noVscode, { group: ['**/src/**'], message: 'The sandbox knows nothing of the product.' }],
  ),
  noImports(
    ['webview/**/*.ts'],
    [
      noVscode,
      {
        group: [
          '**/src/**',
          '!**/src/messages',
          '!**/src/messages/**',
          '!**/src/core',
          '!**/src/core/words',
          '!**/src/core/words/**',
        ],
        message: 'A panel shares message types (src/messages) and the words of core (src/core/words) only.',
      },
    ],
  ),
  {
    files: ['src/cli.ts', 'src/cli/main.ts', 'sandbox/main.ts', 'scripts/**', 'bench/**', 'test/fixtures/**'],
    rules: { 'no-console': 'off' },
  },
);
