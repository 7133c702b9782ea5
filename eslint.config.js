import { dirname, relative, resolve, sep } from 'node:path';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The rooms that must not know each other; `shared` knows none of them (ARCHITECTURE.md, "Which way imports go"). */
const rooms = ['daemon', 'plugin-host', 'plugins', 'hivectl'];
const outside = ['test', 'bench', 'examples'];

/** An import from one room into another is an error; the room is the first folder below the project. */
const roomsMeetOnlyInShared = {
  create(context) {
    const roomOf = (path) => relative(import.meta.dirname, path).split(sep)[0];
    const from = roomOf(context.filename);
    if (from !== 'shared' && !rooms.includes(from)) return {};
    const forbidden = [...rooms, ...outside].filter((room) => room !== from);
    const check = (node) => {
      const target = node.source?.value;
      if (typeof target !== 'string' || !target.startsWith('.')) return;
      const to = roomOf(resolve(dirname(context.filename), target));
      if (forbidden.includes(to)) {
        context.report({ node, message: `${from}/ does not import from ${to}/: rooms meet only in shared/.` });
      }
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'test/fixtures/**', 'coverage/**'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', setTimeout: 'readonly', setInterval: 'readonly', clearInterval: 'readonly', clearTimeout: 'readonly', URL: 'readonly', Buffer: 'readonly', fetch: 'readonly' },
    },
  },
  {
    files: ['**/*.ts'],
    plugins: { hive: { rules: { 'rooms-meet-only-in-shared': roomsMeetOnlyInShared } } },
    rules: { 'hive/rooms-meet-only-in-shared': 'error' },
  },
);
