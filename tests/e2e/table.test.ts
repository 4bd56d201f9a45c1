import { expect, inject, test } from 'vitest';

import { accessible, beside, poll, shade, useBrowser, visit } from './browser';

useBrowser();

const ODD = 'odd.größe.`a.b"c\'d``e <img src=x onerror=alert(1)> ü`';

test('a name with dots, quotes, HTML and letters of all kinds holds in every link, and nothing of it runs', async () => {
  const { page, complaints } = await visit('operator', '/tables');
  let opened = false;
  page.on('dialog', (dialog) => {
    opened = true;
    void dialog.dismiss();
  });
  await page
    .locator('[data-row]')
    .filter({ has: page.getByTitle(ODD, { exact: true }) })
    .click();
  for (const tab of ['Schema', 'Rows', 'Snapshots', 'Files', 'Operations', 'History', 'Overview']) {
    await page.getByRole('navigation', { name: 'Parts of the table' }).getByRole('link', { name: tab }).click();
    await poll(() => page.locator('[role=status][aria-label]').count(), { message: tab }).toBe(0);
    await poll(() => page.getByRole('alert').count(), { message: tab }).toBe(0);
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('<img src=x onerror=alert(1)>');
  }
  await page.getByRole('link', { name: 'größe' }).click();
  await poll(() => page.locator('[data-row]').count()).toBe(1);
  expect(await page.locator('img[src=x]').count()).toBe(0);
  expect(opened).toBe(false);
  expect(complaints).toEqual([]);
});

test('each finding has its evidence against the threshold, the rule that made it, and its remedy', async () => {
  const { page } = await visit('viewer', '/tables/flights.flights/overview');
  const finding = page.getByRole('listitem').filter({ hasText: '399 of 399 data files' });
  await finding.getByRole('img', { name: '386 files beside a threshold of 12 files' }).waitFor();
  expect(await finding.innerText()).toMatch(/critical\s*40 points off\s*by small-files 0\.1\.0/);
  const remedy = finding.getByRole('button', { name: /Compact/ });
  expect(await remedy.getAttribute('aria-disabled')).toBe('true');
  await remedy.focus();
  await page.getByRole('tooltip', { name: /Needs the role operator/ }).waitFor();
  await remedy.press('Enter');
  expect(page.url()).toContain('/overview');
});

test('the rules that looked and found nothing are named, beside those that found something', async () => {
  const { page } = await visit('viewer', '/tables/shapes.empty/overview');
  const quiet = page.getByRole('region', { name: 'Rules that found nothing' });
  await quiet.getByRole('link', { name: 'Small files' }).waitFor();
  await page.goto(`${inject('base')}/tables/flights.flights/overview`);
  await quiet.getByRole('link', { name: 'Delete files' }).waitFor();
  await page.getByText('40 points off').waitFor();
  expect(await quiet.getByRole('link', { name: 'Small files' }).count()).toBe(0);
  await quiet.getByRole('link', { name: 'Delete files' }).click();
  await page.getByRole('heading', { level: 1, name: 'Delete files' }).waitFor();
});

test('5,000 snapshots stand in one graph, with few of them in the document', async () => {
  const { page } = await visit('viewer', '/tables/shapes.long/snapshots');
  await page.getByText('5,000 snapshots').waitFor();
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  expect(await list.locator('li').count()).toBeLessThan(60);
  await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await list.locator('li').filter({ hasText: '+2 files' }).last().waitFor();
  await page
    .getByRole('img', { name: /Data files and rows from/ })
    .locator('canvas')
    .waitFor();
});

test('the chart takes the colours of the system’s theme when that changes', async () => {
  const { page } = await visit('viewer', '/tables/shapes.branches/snapshots', { colorScheme: 'light' });
  const canvas = page.getByRole('img', { name: /Data files and rows from/ }).locator('canvas');
  await canvas.waitFor();
  /** The colour that most of what is drawn has: the grid's. */
  const most = () =>
    canvas.evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')?.getImageData(0, 0, element.width, element.height) ?? { data: [] };
      const times = new Map<string, number>();
      for (let at = 0; at < data.length; at += 4) {
        const colour = data.slice(at, at + 4).join();
        if (data[at + 3] === 255) times.set(colour, (times.get(colour) ?? 0) + 1);
      }
      return [...times].sort(([, a], [, b]) => b - a)[0]?.[0];
    });
  await poll(most).toBeDefined();
  const light = await most();
  await shade(page, 'dark');
  await poll(most).not.toBe(light);
});

test('rows are shown as the table is now, and as it was at a snapshot', async () => {
  const server = beside();
  const token = inject('tokens').viewer;
  const listed = await server.ask(token, 'GET', '/api/table/work.plain/snapshots');
  const { items } = listed as { items: { snapshot_id: string; summary: Record<string, string> }[] };
  const first = items.at(-1);
  const { page } = await visit('viewer', '/tables/work.plain/rows');
  await page.getByRole('columnheader', { name: 'region' }).waitFor();
  const head = await page.getByRole('columnheader', { name: 'region' }).boundingBox();
  expect(head?.width, 'wide enough to read a value').toBeGreaterThan(150);
  const now = await page.getByRole('row').count();
  await page.goto(`${inject('base')}/tables/work.plain/rows?snapshot="${first?.snapshot_id ?? ''}"`);
  await page.getByRole('heading', { name: `Rows at snapshot ${first?.snapshot_id ?? ''}` }).waitFor();
  // One row is the heads.
  await poll(() => page.getByRole('row').count()).toBe(Number(first?.summary['total-records']) + 1);
  await page.getByRole('link', { name: 'Show it as it is now' }).click();
  await poll(() => page.getByRole('row').count()).toBe(now);
});

test('HTML in a cell stays text, and of a thousand columns only those in sight are drawn', async () => {
  const { page, context, complaints } = await visit('viewer', '/jobs');
  const html = '<img src=x onerror=alert(1)>';
  const columns = Array.from({ length: 1000 }, (_, at) => ({ name: `c${at}`, type: 'string' }));
  const rows = Array.from({ length: 100 }, () => columns.map(({ name }) => (name === 'c999' ? html : null)));
  await context.route('**/preview*', (route) => route.fulfill({ json: { columns, rows, cut: true } }));
  await page.goto(`${inject('base')}/tables/work.tabs/rows`);
  const grid = page.getByRole('region', { name: 'Values by column' });
  await grid.getByText('null').first().waitFor();
  expect(await grid.locator('th').count()).toBeLessThan(20);
  await page.getByText('100 of its rows, in no order; long values are shortened').waitFor();
  await grid.evaluate((element) => element.scrollTo(element.scrollWidth, 0));
  await grid.getByText(html).first().waitFor();
  expect(await page.locator('img[src=x]').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('a snapshot opens with all that it tells, its rows, and the way back to it', async () => {
  const { page } = await visit('operator', '/tables/work.tabs/snapshots');
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  await list.getByRole('button').last().click();
  const dialog = page.getByRole('dialog', { name: /^Snapshot \d+/ });
  const id = /\d+/.exec(await dialog.getByRole('heading').innerText())?.[0] ?? '';
  await dialog.getByText('total-data-files').waitFor();
  await dialog.getByRole('button', { name: 'Copy the snapshot’s id' }).waitFor();
  await accessible(page);
  await dialog.getByRole('link', { name: 'Roll back to this …' }).click();
  await poll(() => page.getByLabel('Snapshot', { exact: true }).inputValue()).toBe(id);
  await page.goBack();
  await list.getByRole('button').last().click();
  await dialog.getByRole('link', { name: 'Its rows' }).click();
  await page.getByRole('heading', { name: `Rows at snapshot ${id}` }).waitFor();
  await page.goto(`${inject('base')}/tables/work.tabs/snapshots`);
  // There is no way back to what the table is.
  await list.getByRole('button').first().click();
  await dialog.waitFor();
  expect(await dialog.getByRole('link', { name: 'Roll back to this …' }).count()).toBe(0);
});

test('the graph shows branches and tags', async () => {
  const { page } = await visit('viewer', '/tables/shapes.branches/snapshots');
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  for (const ref of ['main', 'dev', 'audit', 'v1', 'v2']) await list.getByText(ref, { exact: true }).waitFor();
  expect(await list.getByLabel('tag').count()).toBe(2);
});

test('a table without rows says what to do on every tab', async () => {
  const { page } = await visit('viewer', '/tables/shapes.empty/overview');
  await page.getByText('Nothing is wrong with this table').waitFor();
  await accessible(page);
  await page.goto(`${inject('base')}/tables/shapes.empty/snapshots`);
  await page.getByText('The first write to this table makes one.').waitFor();
  await page.goto(`${inject('base')}/tables/shapes.empty/rows`);
  await page.getByText('Nothing was written to the table yet').waitFor();
  await page.goto(`${inject('base')}/tables/shapes.empty/files`);
  await page.getByText('nothing was written to it yet').waitFor();
});

test('a table that is gone says so, with the request’s id to copy', async () => {
  const { page, context } = await visit('viewer', '/tables/shapes.gone/overview');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const alert = page.getByRole('alert');
  await alert.getByText('It may have been dropped or renamed').waitFor();
  const id = await alert.locator('code').innerText();
  await alert.getByRole('button', { name: 'Copy the request id' }).click();
  await alert.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});

test('the schema is nested, and a change of it opens its form with the column filled in', async () => {
  const { page } = await visit('operator', '/tables/shapes.nested/schema');
  // A column may be called as the parts that Iceberg names in lists and maps; those parts themselves keep their names.
  await page.getByRole('link', { name: 'Rename value', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Rename items.element.sku', exact: true }).waitFor();
  for (const part of ['items.element', 'prices.key', 'prices.value'])
    expect(await page.getByRole('link', { name: `Rename ${part}`, exact: true }).count()).toBe(0);
  await page.getByRole('link', { name: 'Rename address.at.lat' }).click();
  await poll(() => page.getByLabel('Path').inputValue()).toBe('address.at.lat');
  await page.getByLabel('New name').fill('latitude');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText('Rename address.at.lat to latitude').waitFor();
});

test('what a change of a column breaks is told before anything runs', async () => {
  const { page } = await visit('operator', '/tables/shapes.nested/schema');
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.postData() ?? ''));
  await page.getByRole('link', { name: 'Drop value' }).click();
  const plan = page.getByRole('region', { name: 'What it would do' });
  await plan.getByText('Queries, views and jobs that name the column fail afterwards.').waitFor();
  await plan.getByText(/snapshots?, of which 1 is tagged: who reads one .* still sees the column/).waitFor();
  await plan.getByText('Can be undone by the opposite change.').waitFor();
  await page.goBack();
  const region = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'region' }) });
  expect(await region.innerText()).toContain('partition');
  await page.getByRole('link', { name: 'Drop region' }).click();
  await page.getByText(/"region" is what the table is partitioned by/).waitFor();
  expect(await page.getByRole('button', { name: 'Run this plan' }).count()).toBe(0);
  await page.goBack();
  await page.getByRole('link', { name: 'Rename region' }).click();
  await page.getByLabel('New name').fill('area');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await plan.getByText(/The table is partitioned by it; the partition field keeps its name/).waitFor();
  await plan.getByText(/read under the new one/).waitFor();
  expect(sent.every((body) => body.includes('"dry_run":true'))).toBe(true);
});

test('where a table lies is copied by a click', async () => {
  const { page, context } = await visit('viewer', '/tables/shapes.nested/schema');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy the location' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^file:\/\/.*nested/);
});

test('a change by somebody else is seen without a reload, in every tab', async () => {
  const one = await visit('viewer', '/tables/work.tabs/schema');
  const two = await visit('viewer', '/tables/work.tabs/history');
  await one.page.getByRole('rowheader', { name: 'region' }).waitFor();
  await two.page.getByText('Nothing was done here yet').waitFor();
  await beside().ask(
    inject('tokens').operator,
    'POST',
    '/api/evolve/add-column',
    { table: 'work.tabs', path: 'fresh', type: 'long' },
    { Prefer: 'wait=30' },
  );
  await one.page.getByRole('rowheader', { name: 'fresh' }).waitFor();
  await two.page.getByText('Table add column').waitFor();
  expect(await two.page.getByRole('listitem').filter({ hasText: 'Table add column' }).innerText()).toMatch(
    /by olga with add-column 0\.1\.0, digest [0-9a-f]{12}/,
  );
});
