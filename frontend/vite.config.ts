import { fileURLToPath } from 'node:url';

import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
