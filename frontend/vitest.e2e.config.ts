import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The browser tests lie beside the other tests of the whole thing, out of reach of this folder's node_modules. */
export default defineConfig({
  root: here('../tests/e2e'),
  resolve: {
    alias: {
      'playwright-core': here('./node_modules/playwright-core/index.mjs'),
      vitest: here('./node_modules/vitest'),
    },
  },
  server: { fs: { allow: [here('..')] } },
  test: {
    include: ['**/*.test.ts'],
    globalSetup: here('../tests/e2e/setup.ts'),
    // One server and two cores: a file after the other.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    cache: false,
  },
});
