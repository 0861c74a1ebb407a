// SPDX-License-Identifier: Apache-2.0
// Rules for the live page and its tests: tests/web/run lint.
import { createRequire } from 'node:module';
import path from 'node:path';

const need = createRequire(path.join(process.env.RCACHED_WEB_MODULES, 'package.json'));
const js = need('@eslint/js');
const globals = need('globals');

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'array-callback-return': ['error', { checkForEach: false }],
      curly: ['error', 'multi-line', 'consistent'],
      'dot-notation': 'error',
      eqeqeq: 'error',
      'no-constructor-return': 'error',
      'no-duplicate-imports': 'error',
      'no-else-return': ['error', { allowElseIf: false }],
      'no-eval': 'error',
      'no-extend-native': 'error',
      'no-extra-bind': 'error',
      'no-implicit-coercion': 'error',
      'no-implicit-globals': 'error',
      'no-implied-eval': 'error',
      'no-lonely-if': 'error',
      'no-new-func': 'error',
      'no-new-wrappers': 'error',
      'no-param-reassign': 'error',
      'no-promise-executor-return': 'error',
      'no-return-assign': 'error',
      'no-self-compare': 'error',
      'no-sequences': 'error',
      'no-shadow': ['error', { builtinGlobals: false }],
      'no-template-curly-in-string': 'error',
      'no-throw-literal': 'error',
      'no-undef-init': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-unneeded-ternary': 'error',
      'no-unreachable-loop': 'error',
      'no-unused-expressions': 'error',
      'no-unused-vars': 'error',
      'no-use-before-define': ['error', { functions: false }],
      'no-useless-assignment': 'error',
      'no-useless-call': 'error',
      'no-useless-computed-key': 'error',
      'no-useless-concat': 'error',
      'no-useless-constructor': 'error',
      'no-useless-rename': 'error',
      'no-useless-return': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-arrow-callback': 'error',
      'prefer-const': 'error',
      'prefer-object-has-own': 'error',
      'prefer-object-spread': 'error',
      'prefer-promise-reject-errors': 'error',
      'prefer-rest-params': 'error',
      'prefer-spread': 'error',
      radix: 'error',
      yoda: 'error',
    },
  },
  { files: ['exporters/web/page/**/*.js'], languageOptions: { globals: globals.browser } },
  // A classic script: it runs before the page is parsed.
  { files: ['exporters/web/page/theme.js'], languageOptions: { sourceType: 'script' } },
  { files: ['exporters/web/*.mjs', 'tests/web/**/*.mjs'], languageOptions: { globals: globals.nodeBuiltin } },
  // What is passed to page.evaluate() runs in the page.
  { files: ['tests/web/browser/*.mjs'], languageOptions: { globals: globals.browser } },
];
