import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, inject, test } from 'vitest';

import { TOP } from './rig';

test('the entry comes as at most 200 KB of JavaScript (gzip); charts and forms come when they are needed', async () => {
  const dist = join(TOP, 'frontend/dist');
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = [...page.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map((found) => found[1] ?? '');
  expect(scripts.length).toBeGreaterThan(0);
  let bytes = 0;
  for (const path of scripts) {
    const { headers } = await fetch(inject('base') + path, { headers: { 'Accept-Encoding': 'gzip' } });
    if (path.startsWith('/assets/')) expect(headers.get('content-encoding')).toBe('gzip');
    expect(headers.get('vary')).toBe('accept-encoding');
    bytes += Number(headers.get('content-length'));
    const plain = await fetch(inject('base') + path, { headers: { 'Accept-Encoding': 'identity' } });
    const text = await plain.text();
    expect(text).toBe(readFileSync(join(dist, path), 'utf8'));
    expect(text.includes('uPlot') || text.includes('rjsf')).toBe(false);
  }
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThanOrEqual(200_000);
});
