import { expect, inject, test } from 'vitest';

import { poll, useBrowser, visit } from './browser';

useBrowser();

test('HTML in a log line and in a description stays text', async () => {
  const { page, context, complaints } = await visit('viewer', '/jobs');
  const html = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const line = { at: new Date().toISOString(), level: 'warn', message: html, version: '1.0.0', digest: 'x' };
  await context.route('**/api/plugins/small-files/log*', (route) => route.fulfill({ json: { items: [line] } }));
  await page.goto(`${inject('base')}/plugins/small-files/log`);
  await page.getByText(html).waitFor();
  expect(await page.locator('img[src=x]').count()).toBe(0);
  expect(complaints).toEqual([]);
});

async function withOperation(change: (operation: Record<string, unknown>) => void, path: string) {
  const seen = await visit('operator', '/jobs');
  await seen.context.route('**/api/operations', async (route) => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: Record<string, unknown>[] };
    body.items.filter((one) => one.id === 'add-column').forEach(change);
    await route.fulfill({ response: answer, json: body });
  });
  await seen.page.goto(inject('base') + path);
  return seen;
}

const ADD = '/tables/work.forms/operations?op=add-column';

test('a description of a megabyte is shown in part', async () => {
  const { page } = await withOperation((one) => (one.summary = 'long words '.repeat(100_000)), ADD);
  await page.getByRole('button', { name: 'more' }).click();
  await page.getByText(/more characters are not shown/).waitFor();
  expect(await page.evaluate(() => document.body.innerText.length)).toBeLessThan(40_000);
});

test('a schema that no form can be drawn for is edited as JSON, checked all the same', async () => {
  const schema = {
    type: 'object',
    required: ['path'],
    properties: { path: { type: 'string' }, type: { type: 'string' } },
    patternProperties: { '^x-': { type: 'integer' } },
  };
  const { page } = await withOperation((one) => (one.schema = schema), ADD);
  const editor = page.getByLabel('Values as JSON');
  await editor.fill('{"path": 5}');
  await page
    .getByText(/path.*type|Instance type/i)
    .first()
    .waitFor();
  await editor.fill('{"path": "plain", "type": "long"}');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText('Add the column plain').waitFor();
});

test('a clock that is wrong does not turn "minutes ago" into nonsense', async () => {
  const { page, context } = await visit('viewer', '/jobs');
  await context.addInitScript(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 7_200_000;
  });
  await page.goto(`${inject('base')}/tables/flights.flights/overview`);
  await poll(() => page.getByText(/^Judged/).innerText()).toMatch(/Judged (just now|[1-9]\d? minutes? ago)/);
});

test('on plain HTTP from another machine a plan runs and an id is copied all the same', async () => {
  const { page, context } = await visit('operator', '/jobs');
  // What a browser leaves out where the page is not secure.
  await context.addInitScript(() => {
    Reflect.deleteProperty(Crypto.prototype, 'randomUUID');
    Reflect.deleteProperty(Navigator.prototype, 'clipboard');
  });
  await page.goto(`${inject('base')}/tables/work.plain/operations?op=rename-column`);
  expect(await page.evaluate(() => ['randomUUID' in crypto, 'clipboard' in navigator])).toEqual([false, false]);
  await page.getByLabel('Path').fill('value');
  await page.getByLabel('New name').fill('amount');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('button', { name: 'Run this plan' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  await page.getByRole('button', { name: 'Copy the table’s full name' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Tables' }).click();
  await page.getByLabel('Search tables').press('Control+V');
  await poll(() => page.getByLabel('Search tables').inputValue()).toBe('work.plain');
});

test('a part of the console that does not come leaves the rest, and says to reload', async () => {
  const { page, context } = await visit('viewer', '/tables/shapes.branches/overview');
  const parts = page.getByRole('navigation', { name: 'Parts of the table' });
  await context.route('**/assets/SnapshotsTab-*.js', (route) => route.abort());
  await parts.getByRole('link', { name: 'Snapshots' }).click();
  const alert = page.getByRole('alert');
  await alert.getByText('A newer console is served: reload the page.').waitFor();
  await parts.getByRole('link', { name: 'Schema' }).click();
  await page.getByRole('rowheader', { name: 'region' }).waitFor();
  expect(await alert.count()).toBe(0);
  await parts.getByRole('link', { name: 'Snapshots' }).click();
  await context.unroute('**/assets/SnapshotsTab-*.js');
  await alert.getByRole('button', { name: 'Reload' }).click();
  await page.getByRole('region', { name: 'Graph of snapshots' }).waitFor();
  // A mistake of the console itself is not told as one of the server, and the frame stays too.
  await context.route('**/api/plugins', (route) => route.fulfill({ json: { items: [null] } }));
  await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Plugins' }).click();
  await alert.getByText('This is a mistake of the console itself').waitFor();
  expect(await alert.innerText()).not.toContain('does not answer');
  await page.getByRole('link', { name: 'Jobs', exact: true }).click();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
});
