import { expect, inject, test } from 'vitest';

import { accessible, beside, fits, keep, poll, shade, useBrowser, visit } from './browser';

useBrowser();

test('a column is added after its dry run, stands in jobs and history, and is undone', async () => {
  const { page, complaints } = await visit('operator', '/tables/work.forms/schema');
  await page.getByRole('link', { name: 'Add a column' }).click();
  await page.getByLabel('Path').fill('note');
  await page.getByLabel('Type').fill('string');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText('Can be undone by the opposite change.').waitFor();
  await page.getByRole('button', { name: 'Run this plan' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  await page.getByRole('link', { name: 'Schema' }).click();
  await page.getByRole('rowheader', { name: 'note' }).waitFor();
  await page.getByRole('link', { name: 'Jobs', exact: true }).click();
  const row = page.getByRole('listitem').filter({ hasText: 'Add column of work.forms' }).first();
  await row.getByRole('button', { name: 'Undo' }).click();
  const undo = page.getByRole('listitem').filter({ hasText: 'Undo of work.forms' });
  await undo.getByText('succeeded').first().waitFor();
  await undo.getByRole('link').first().click();
  await page.getByText('It takes back').waitFor();
  await accessible(page);
  await page.getByRole('link', { name: 'an earlier job' }).click();
  await page.getByText('It was taken back by').waitFor();
  expect(await page.getByRole('button', { name: 'Undo' }).getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('link', { name: 'a later job' }).click();
  await page.getByText('It takes back').waitFor();
  await page.getByRole('link', { name: 'Jobs', exact: true }).click();
  await row.getByRole('link', { name: 'Undone by a later job' }).waitFor();
  expect(await row.getByRole('button', { name: 'Undo' }).getAttribute('aria-disabled')).toBe('true');
  await row.getByRole('link', { name: 'Add column' }).click();
  await page.getByRole('link', { name: 'work.forms' }).click();
  await page.getByRole('navigation', { name: 'Parts of the table' }).getByRole('link', { name: 'History' }).click();
  await poll(() => page.getByText('Job succeeded').count()).toBeGreaterThanOrEqual(2);
  await page.getByRole('link', { name: 'Show the job that it undoes' }).waitFor();
  await page.getByRole('link', { name: 'Undone: show by which job' }).click();
  await page.getByText('It takes back').waitFor();
  expect(complaints).toEqual([]);
});

test('a job that later work closed the way back of says why; its log tells it in words', async () => {
  const add = (path: string) => beside().addColumn(inject('tokens').operator, 'work.tabs', path);
  const { page } = await visit('operator', `/jobs/${await add('earlier')}`);
  const undo = page.getByRole('button', { name: 'Undo' });
  await poll(() => undo.getAttribute('aria-disabled')).toBe(null);
  await add('later');
  await page.getByText('It can’t be undone: the schema was changed again since.').waitFor();
  expect(await undo.getAttribute('aria-disabled')).toBe('true');
  const read: string[] = [];
  page.on('request', (request) => request.url().endsWith('/log') && read.push(request.url()));
  await page.getByText('of the plugin, the job and Spark, in words').click();
  await page.getByText('olga asks for add-column of work.tabs.').waitFor();
  await page.getByText('Step 1 of 1 is done: add the column earlier of type long.').waitFor();
  await page.getByText(/^It succeeded after/).waitFor();
  expect(read).toHaveLength(1);
  await accessible(page);
  await fits(page);
});

test('jobs are narrowed to a table and an operation, and the address keeps it', async () => {
  const { page } = await visit('operator', '/tables/work.forms/history');
  const set = (table: string, change: object) =>
    beside().ask(
      inject('tokens').operator,
      'POST',
      `/api/operations/set-properties`,
      { table, ...change },
      {
        Prefer: 'wait=30',
      },
    );
  await set('work.forms', { arguments: { properties: { seen: 'once' } } });
  await set('work.plain', { arguments: { properties: { seen: 'once' } } });
  await page.getByRole('link', { name: 'Jobs of this table' }).click();
  const rows = page.getByRole('main').getByRole('listitem');
  await rows.filter({ hasText: 'of work.forms' }).first().waitFor();
  expect(await rows.filter({ hasText: 'of work.plain' }).count()).toBe(0);
  await page.getByRole('combobox', { name: 'Operation' }).selectOption('compact');
  await page.getByText('No job fits').waitFor();
  await page.getByRole('combobox', { name: 'Operation' }).selectOption('set-properties');
  await page.reload();
  await rows.filter({ hasText: 'Set properties of work.forms' }).first().waitFor();
  expect(await page.getByRole('combobox', { name: 'Operation' }).inputValue()).toBe('set-properties');
  expect(await rows.filter({ hasText: 'of work.plain' }).count()).toBe(0);
});

test('from the worst table to a repaired one and back: three clicks a step, with real Spark', async () => {
  const { page, complaints } = await visit('operator', '/tables');
  await page.locator('[data-row]').first().click();
  await page.getByRole('button', { name: /Compact/ }).click();
  const run = page.getByRole('button', { name: 'Run this plan' });
  await run.waitFor();
  expect(await page.getByRole('region', { name: 'What it would do' }).innerText()).toMatch(/399 now[\s\S]*13 after/);
  await run.click();
  await page.getByRole('progressbar', { name: /Progress of compact/ }).waitFor();
  await keep(page, 'job-running-light');
  const undo = page.getByRole('button', { name: 'Undo' });
  await undo.waitFor({ timeout: 200_000 });
  await page.getByRole('link', { name: 'Job', exact: true }).click();
  await page.getByText('of the plugin, the job and Spark, in words').click();
  await page.getByText('Step 1 of 1 begins: rewrite data files by binpack.').waitFor();
  await page
    .getByText(/Committed snapshot \d+/)
    .first()
    .waitFor();
  await page.goBack();
  const files = page.getByRole('row').filter({ hasText: 'Data files after' });
  expect(await files.innerText()).toMatch(/13\s+13/);
  await keep(page, 'result-light');
  await shade(page, 'dark');
  await keep(page, 'result-dark');
  await shade(page, 'light');
  await accessible(page);
  await page.getByRole('link', { name: 'See its health now' }).click();
  await page.getByRole('img', { name: /Health 9\d of 100/ }).waitFor();
  await keep(page, 'repaired-light');
  await page.goBack();
  await undo.click();
  await page.getByRole('heading', { name: 'Undo' }).waitFor();
  await page.getByText('succeeded').first().waitFor();
  await page.getByRole('link', { name: 'See its health now' }).click();
  await page.getByRole('img', { name: /Health 46 of 100/ }).waitFor();
  expect(complaints).toEqual([]);
}, 400_000);

test('a job that runs is followed in the tray, and cancelled: nothing is committed, and it says so', async () => {
  const { page, complaints } = await visit('operator', '/tables/flights.flights/operations?op=compact&plan=true');
  await page.getByRole('button', { name: 'Run this plan' }).click();
  await page.getByText('running', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: '1 job runs' }).click();
  const tray = page.getByRole('dialog', { name: 'Jobs' });
  const row = tray.getByRole('listitem').filter({ hasText: 'flights.flights' }).first();
  await row.getByRole('progressbar', { name: 'Progress of compact on flights.flights' }).waitFor();
  await accessible(page);
  await page.keyboard.press('Escape');
  const other = await visit('viewer', '/jobs');
  const running = other.page.getByRole('main').getByRole('listitem').filter({ hasText: 'flights.flights' }).first();
  expect(await running.getByRole('button', { name: 'Cancel' }).getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('cancelled on request; nothing was committed').first().waitFor();
  await page.getByText('cancelled', { exact: true }).first().waitFor();
  await running.getByText('cancelled', { exact: true }).waitFor();
  expect(await running.getByRole('button').count()).toBe(0);
  await page.getByRole('button', { name: 'Jobs', exact: true }).waitFor();
  await page.getByRole('link', { name: 'See its health now' }).click();
  await page.getByRole('img', { name: /Health 46 of 100/ }).waitFor();
  expect(complaints).toEqual([]);
});
