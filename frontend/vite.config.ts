import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Most of the entry runs as the page starts: V8 compiles all of it while it comes, beside the page's thread, rather than
 * function by function as each is called first (https://v8.dev/blog/explicit-compile-hints). To others it is a comment.
 */
const compiledAhead: Plugin = {
  name: 'compiled-ahead',
  generateBundle: {
    // The hint goes first: after Vite's own additions.
    order: 'post',
    handler(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk' && file.isEntry) file.code = `//# allFunctionsCalledOnLoad\n${file.code}`;
      }
    },
  },
};

/** The server sends a file's compressed twin to who takes it (host/src/middleware/site.rs). */
const compressed: Plugin = {
  name: 'compressed',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        if (!/\.(js|css)$/.test(fileName)) continue;
        const content = file.type === 'chunk' ? file.code : file.source;
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(content, { level: 9 }) });
        this.emitFile({ type: 'asset', fileName: `${fileName}.br`, source: brotliCompressSync(content) });
      }
    },
  },
};

export default defineConfig({
  plugins: [react(), tailwindcss(), compiledAhead, compressed],
  resolve: {
    alias: {
      '@': here('./src'),
      // @rjsf/core names it in a helper for tests, which is not part of what is built.
      '@rjsf/validator-ajv8': here('./src/components/forms/validator.ts'),
      // Radix locks the page's scrolling by a <style> element, which the server's Content-Security-Policy forbids.
      'react-style-singleton': here('./src/lib/styleSingleton.ts'),
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000', '/sign-in': 'http://127.0.0.1:3000' } },
  build: {
    target: 'es2022',
    // A font or picture inlined as data: would be refused by the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Each file is a request, and most of what two pages share is an icon.
    rollupOptions: { output: { experimentalMinChunkSize: 8_000 } },
  },
  test: { environment: 'node', include: ['test/**/*.test.{ts,tsx}'] },
});
