import js from '@eslint/js';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** What a folder may not import, and why: the console imports one way, shared -> components/<area> -> app. */
function forbid(files, group, message) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] } };
}

const AREAS = ['tables', 'jobs', 'plugins'];

export default tseslint.config(
  { ignores: ['dist', 'src/api/schema.d.ts', 'public'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `onClick={() => void save()}` and friends say that nobody waits; that is what an event handler does.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A region that scrolls by keys has to be reached by Tab.
      'jsx-a11y/no-noninteractive-tabindex': ['error', { roles: ['region', 'tabpanel'], tags: [] }],
      // The router's redirects are thrown, and are no Errors.
      '@typescript-eslint/only-throw-error': 'off',
      // TanStack Virtual and Table give functions that the compiler can't memoize; we do not run the compiler.
      'react-hooks/incompatible-library': 'off',
    },
  },
  { files: ['eslint.config.js'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['test/**', '*.ts'],
    rules: { '@typescript-eslint/consistent-type-assertions': 'off' },
  },
  forbid(['src/{api,hooks,lib}/**'], ['@/components/*', '@/app/*'], 'what is shared knows no component'),
  forbid(
    ['src/components/{ui,common,forms,charts}/**'],
    ['@/app/*', ...AREAS.map((a) => `@/components/${a}/*`)],
    'shared components know no area',
  ),
  ...AREAS.map((area) =>
    forbid(
      [`src/components/${area}/**`],
      ['@/app/*', ...AREAS.filter((other) => other !== area).map((other) => `@/components/${other}/*`)],
      'areas do not import each other: move what both need to components/common',
    ),
  ),
);
