'use strict';

const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  { ignores: ['**/target/', '**/node_modules/', 'crates/h1/fuzz/', '**/*.d.ts', '**/*.d.mts'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: 'commonjs', globals: globals.node },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-unused-vars': ['error', { args: 'none', caughtErrors: 'none' }],
      'no-var': 'error',
      'prefer-const': 'error',
      semi: 'error',
      quotes: ['error', 'single', { avoidEscape: true }],
    },
  },
  {
    // lib/host is the only folder that names internals of Node. What a stream has to implement is documented, and so
    // is `http._connectionListener` a name of the module that lib/implementation.js stands in for.
    files: ['lib/**/*.js'],
    ignores: ['lib/host/**'],
    rules: {
      'no-restricted-syntax': ['error', ...[
        'Identifier[name=/^_(?!(_proto__|read|write|writev|final|destroy|connectionListener|_dirname)?$)/]',
        'Literal[value=/^_[a-z]/i]',
        'Identifier[name=/^(symbols|onread|outputData|outputSize|isStreamBase|resetAndClosing|asyncId)$/]',
      ].map((selector) => ({ selector, message: 'Only lib/host names internals of Node.' }))],
    },
  },
  { files: ['**/*.mjs'], languageOptions: { sourceType: 'module' } },
  { files: ['**/*.js', '**/*.cjs'], rules: { strict: ['error', 'global'] } },
];
