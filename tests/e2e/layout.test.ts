import { expect, inject, test } from 'vitest';

import { beside, poll, useBrowser, visit } from './browser';

useBrowser();

test('how the schema changed is told change by change, as it happens', async () => {
  const { page } = await visit('viewer', '/tables/work.tabs/schema');
  const schemas = page.getByRole('region', { name: 'How it changed' }).getByRole('listitem');
  const newest = schemas.first();
  const current = () => schemas.filter({ hasText: /current/ }).innerText();
  const before = await current();
  const change = (operation: string, body: object) =>
    beside().ask(
      inject('tokens').operator,
      'POST',
      `/api/evolve/${operation}`,
      { table: 'work.tabs', ...body },
      { Prefer: 'wait=30' },
    );
  await change('add-column', { path: 'told', type: 'int' });
  await poll(() => newest.innerText()).toMatch(/^schema \d+\s*current\s*\+ told$/);
  await change('rename-column', { path: 'told', name: 'said' });
  await poll(() => newest.innerText()).toMatch(/current\s*told → said$/);
  // Without it the table is back at the schema that it began with, which Iceberg takes again instead of a new one.
  await change('drop-column', { path: 'said' });
  await poll(current).toBe(before);
  expect(await newest.innerText()).not.toContain('current');
});

test('files are counted by size beside what the table aims at, and each is named', async () => {
  const { page } = await visit('viewer', '/tables/flights.flights/files');
  const sizes = page.getByRole('region', { name: 'Sizes' });
  const small = sizes.getByRole('row').filter({ hasText: 'under 1 MiB' });
  await poll(() => small.innerText()).toMatch(/399\s+11\.6 MiB/);
  await sizes.getByText('The table aims at 4 MiB a file').waitFor();
  const files = page.getByRole('region', { name: 'Names, partitions and sizes' });
  await files
    .getByText(/\.parquet$/)
    .first()
    .waitFor();
  await page.getByText('200 files read, more as you scroll').waitFor();
  // To the end and once more, which has grown by then.
  await poll(async () => {
    await files.evaluate((box) => box.scrollTo(0, box.scrollHeight));
    return page.getByText('399 files', { exact: true }).count();
  }).toBeGreaterThan(1);
  expect(await files.getByRole('listitem').count()).toBeLessThan(60);
});

test('what a plugin was counted for stands by version, with its life', async () => {
  const { page } = await visit('viewer', '/plugins/small-files/overview');
  const figures = page.getByRole('table', { name: /^Figures by version/ });
  const version = figures.getByRole('row').filter({ hasText: '0.1.0' });
  await version.waitFor();
  const told = await version.getByRole('cell').allInnerTexts();
  // It has judged every table before a test looks.
  expect(Number(told[0])).toBeGreaterThan(10);
  expect(told[1]).toBe('0');
  expect(told[2]).toMatch(/^[\d.,]+ (µs|ms) \/ [\d.,]+ (µs|ms)$/);
});
