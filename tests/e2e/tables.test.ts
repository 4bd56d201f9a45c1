import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { accessible, poll, useBrowser, visit } from './browser';
import { Home, Server, until } from './rig';

useBrowser();

/** What the browser tells where the pointer rests on something. */
async function titleAt(page: Page, what: Locator): Promise<string> {
  const box = await what.boundingBox();
  if (!box) throw new Error('it is not shown');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  return page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.closest<HTMLElement>('[title]')?.title ?? '', [
    x,
    y,
  ] as const);
}

test('the worst table stands first, with its score and reason, sizes for people and exact ones on hover', async () => {
  const { page } = await visit('viewer', '/tables');
  const first = page.locator('tbody tr').first();
  await first.getByRole('link', { name: /^flights/ }).waitFor();
  await poll(() => first.innerText()).toMatch(/46[\s\S]*399 of 399 data files are under 75 %/);
  const size = first.locator('[title="12,115,398 bytes"]');
  expect(await size.innerText()).toBe('11.6 MiB');
  const all = page.getByRole('navigation', { name: 'Namespaces' }).getByRole('link', { name: /All namespaces/ });
  expect((await all.boundingBox())?.height, 'one line, with the namespaces right below').toBeLessThan(60);
  // The row's own link lies over all of it, and tells what is below.
  expect(await titleAt(page, size)).toBe('12,115,398 bytes');
  await poll(() => titleAt(page, first.locator('time'))).toMatch(/^\d+ \w+ 20\d\d, [\d:]{8} \(\d{4}-\d\d-\d\dT/);
  const link = first.getByRole('link', { name: /^flights/ });
  await page.getByRole('heading', { level: 1 }).hover();
  expect(await link.getAttribute('title'), 'none stays').toBeNull();
});

test('search, sort and namespace stand in the address, and come back from it', async () => {
  const { page } = await visit('viewer', '/tables');
  await page.locator('[data-row]').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('PLAN flig');
  await poll(() => page.locator('[data-row]').count()).toBe(1);
  await poll(() => page.url()).toContain('q=PLAN');
  await page.reload();
  await poll(() => page.locator('[data-row]').allInnerTexts()).toEqual([expect.stringMatching(/^planes/)]);
  await page.getByLabel('Search tables').fill('no such table');
  await page.getByText('No table fits').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Size' }).click();
  await expect
    .poll(() => page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'))
    .toBe('descending');
  await poll(() => page.locator('[data-row]').first().innerText()).toMatch(/^flights/);
  await page
    .getByRole('navigation', { name: 'Namespaces' })
    .getByRole('link', { name: /shapes/ })
    .click();
  await poll(() => page.locator('[data-row]').count()).toBe(4);
  expect(page.url()).toContain('ns=shapes');
  await page.getByRole('button', { name: 'Open odd' }).click();
  await page.getByRole('link', { name: /größe/ }).click();
  await poll(() => page.locator('[data-row]').count()).toBe(1);
});

test('the list is narrowed by how tables are and by their worst finding, and the address keeps it', async () => {
  const { page } = await visit('viewer', '/tables');
  const state = page.getByRole('navigation', { name: 'State' });
  const row = page.locator('[data-row]');
  await state.getByRole('link', { name: /^Sick [1-9]/ }).click();
  const sick = Number(/\d+/.exec(await state.getByRole('link', { name: /^Sick/ }).innerText())?.[0]);
  await poll(() => row.count()).toBe(sick);
  await row.filter({ hasText: 'flights' }).first().waitFor();
  expect(await row.filter({ hasText: 'empty' }).count()).toBe(0);
  await page.reload();
  await poll(() => row.count()).toBe(sick);
  await state.getByRole('link', { name: /^All/ }).click();
  await row.filter({ hasText: 'empty' }).waitFor();
  const finding = state.getByRole('link', { name: /^Small files [1-9]/ });
  await finding.click();
  const small = Number(/\d+/.exec(await finding.innerText())?.[0]);
  await poll(() => row.count()).toBe(small);
  expect(page.url()).toContain('finding=small-files');
  await page.goBack();
  await poll(() => row.count()).toBeGreaterThan(small);
  await page.goForward();
  await poll(() => row.count()).toBe(small);
  await accessible(page);
});

test('rows are walked by the arrow keys and opened by Enter', async () => {
  const { page } = await visit('viewer', '/tables?sort=name');
  await page.locator('[data-row]').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  const name = await page.evaluate(() => document.activeElement?.querySelector('[title]')?.getAttribute('title'));
  expect(name).toBe('flights.airports');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'airports' }).waitFor();
  await page.keyboard.press(']');
  await poll(() => page.url()).toContain('/schema');
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.getByRole('heading', { level: 1, name: 'Tables' }).waitFor();
});

test('keys that are pressed alone can be switched off, for good', async () => {
  const { page } = await visit('viewer', '/tables/flights.airports/overview');
  await page.getByText(/^Judged/).waitFor();
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  const alone = keys.getByRole('checkbox', { name: /Keys that are pressed alone/ });
  await alone.uncheck();
  await accessible(page);
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText(/^Judged/).waitFor();
  await page.keyboard.press(']');
  // Keys are worked on in order: the palette is here only after the one before did nothing.
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog', { name: 'Go to' }).waitFor();
  await page.keyboard.press('Escape');
  expect(page.url()).toContain('/overview');
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  await alone.check();
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'detached' });
  await page.keyboard.press(']');
  await poll(() => page.url()).toContain('/schema');
});

test('on a phone namespaces are chosen from a list', async () => {
  const { page } = await visit('operator', '/tables', { viewport: { width: 360, height: 740 } });
  await page.getByRole('combobox', { name: 'Namespace' }).selectOption({ label: 'shapes (4)' });
  await poll(() => page.locator('[data-row]').count()).toBe(4);
  expect(page.url()).toContain('ns=shapes');
  await page.getByRole('combobox', { name: 'Namespace' }).selectOption({ index: 0 });
  await poll(() => page.locator('[data-row]').count()).toBeGreaterThan(4);
  await accessible(page);
});

test('list, detail and health each take one request', async () => {
  const { page } = await visit('viewer', '/jobs');
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  const asked: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/table')) asked.push(pathname);
  });
  await page.getByRole('link', { name: 'Tables', exact: true }).click();
  await page.locator('[data-row]').first().waitFor();
  expect(asked).toEqual(['/api/tables']);
  await page.locator('[data-row]').first().click();
  await page.getByText('40 points off').waitFor();
  expect(asked).toEqual(['/api/tables', '/api/table/flights.flights/health']);
});

test('another catalog is chosen above the namespaces, and stays chosen in the palette and on the way back', async () => {
  const home = new Home();
  // One plugin is enough, and is loaded the sooner.
  const plugins = join(home.folder, 'plugins');
  for (const file of readdirSync(plugins)) if (file !== 'compact.wasm') rmSync(join(plugins, file));
  home.lake('--second');
  const token = home.user('vera', 'viewer');
  const server = new Server(home);
  await server.start();
  try {
    const listed = () => server.ask(token, 'GET', '/api/tables');
    await until('the plugin is loaded', () => listed().then(Boolean, () => false));
    const { page } = await visit('viewer', '/tables', { base: server.base, home });
    await page.locator('[data-row]').filter({ hasText: 'near' }).waitFor();
    const catalog = page.getByRole('combobox', { name: 'Catalog' });
    expect(await catalog.inputValue()).toBe('drls');
    await catalog.selectOption('second');
    await page.locator('[data-row]').filter({ hasText: 'away' }).waitFor();
    await poll(() => page.locator('[data-row]').count()).toBe(1);
    await page.locator('[data-row]').click();
    await page.getByRole('heading', { level: 1, name: 'away' }).waitFor();
    await page.getByText(/^Judged/).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('option', { name: /far\.away/ }).waitFor();
    expect(await page.getByRole('option', { name: /near\.by/ }).count()).toBe(0);
    await page.getByRole('option', { name: /^Compact.*…$/ }).click();
    await page.getByRole('button', { name: 'Dry run' }).waitFor();
    expect(new URL(page.url()).searchParams.get('catalog')).toBe('second');
    await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Tables of second' }).click();
    await page.locator('[data-row]').filter({ hasText: 'away' }).waitFor();
    expect(await catalog.inputValue()).toBe('second');
    await catalog.selectOption('drls');
    await page.locator('[data-row]').filter({ hasText: 'near' }).waitFor();
    expect(new URL(page.url()).searchParams.has('catalog')).toBe(false);
  } finally {
    await server.stop();
    home.remove();
  }
});
