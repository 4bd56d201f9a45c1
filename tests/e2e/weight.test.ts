import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { TOP } from './rig';

test('the entry holds at most 200 KB of JavaScript (gzip); charts and forms come when they are needed', () => {
  const dist = join(TOP, 'frontend/dist');
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = [...page.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map((found) => found[1] ?? '');
  expect(scripts.length).toBeGreaterThan(0);
  const texts = scripts.map((path) => readFileSync(join(dist, path)));
  const bytes = texts.reduce((sum, text) => sum + gzipSync(text).length, 0);
  expect(bytes).toBeLessThanOrEqual(200_000);
  for (const text of texts) expect(text.includes('uPlot') || text.includes('rjsf')).toBe(false);
});
