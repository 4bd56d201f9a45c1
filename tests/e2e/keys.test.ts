import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';

import { poll, useBrowser, visit } from './browser';

useBrowser();

/** What has the focus, in words. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    return at?.getAttribute('aria-label') ?? at?.textContent.trim() ?? '';
  });

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp, most = 60) {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab');
    if (name.test(await focused(page))) return;
  }
  throw new Error(`not reached by ${most} times Tab: ${String(name)}`);
}

test('partitions are walked by the arrow keys, and each is told', async () => {
  const { page } = await visit('viewer', '/tables/flights.flights/files');
  const map = page.getByRole('listbox', { name: '13 partitions, most small files first' });
  const squares = map.getByRole('option');
  await poll(() => squares.count()).toBe(13);
  const names = await squares.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  expect(new Set(names).size).toBe(13);
  await map.focus();
  /** The one that a screen reader tells, which is drawn as chosen and told below. */
  const active = async () => {
    const name = await map.evaluate((box) =>
      document.getElementById(box.getAttribute('aria-activedescendant') ?? '')?.getAttribute('aria-label'),
    );
    expect(await map.getByRole('option', { selected: true }).getAttribute('aria-label')).toBe(name);
    await map
      .locator('xpath=..')
      .getByText(name ?? '?', { exact: true })
      .waitFor();
    return names.indexOf(name ?? '');
  };
  expect(await active()).toBe(0);
  for (const [key, at] of [
    ['ArrowRight', 1],
    ['ArrowRight', 2],
    ['ArrowLeft', 1],
    ['End', 12],
    ['ArrowRight', 12],
    ['Home', 0],
    ['ArrowLeft', 0],
  ] as const) {
    await page.keyboard.press(key);
    expect(await active(), key).toBe(at);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  const first = await squares.first().boundingBox();
  await page.keyboard.press('ArrowDown');
  const below = await squares.nth(await active()).boundingBox();
  expect(below?.x).toBe(first?.x);
  expect(below?.y).toBeGreaterThan(first?.y ?? Infinity);
  await page.keyboard.press('ArrowUp');
  expect(await active()).toBe(0);
});

test('5,000 snapshots are one stop of Tab; keys walk through them, open one and come back to it', async () => {
  const { page } = await visit('viewer', '/tables/shapes.long/snapshots');
  await page.getByText('5,000 snapshots').waitFor();
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  const rows = list.getByRole('button');
  const id = (at: number) => new RegExp(`, snapshot ${at}$`);
  // Numbered from the second on; the newest comes first.
  await page.getByRole('link', { name: 'Snapshots', exact: true }).focus();
  await tabTo(page, id(4999));
  expect(await list.locator('[tabindex="0"]').count()).toBe(1);
  for (const [key, at] of [
    ['ArrowDown', 4998],
    ['j', 4997],
    ['ArrowUp', 4998],
    ['PageDown', 4988],
    ['PageUp', 4998],
    ['k', 4999],
    ['k', 4999],
  ] as const) {
    await page.keyboard.press(key);
    await poll(() => focused(page), { message: key }).toMatch(id(at));
  }
  await page.keyboard.press('End');
  await poll(() => focused(page)).not.toMatch(id(4999));
  expect(await list.evaluate((box) => box.scrollTop + box.clientHeight)).toBeGreaterThan(5000 * 40);
  await page.keyboard.press('PageUp');
  await poll(() => focused(page)).toMatch(id(10));
  // What has the focus stays where the wheel goes elsewhere.
  await list.evaluate((box) => box.scrollTo(0, 0));
  await poll(() => list.getByRole('button', { name: id(4999) }).count()).toBe(1);
  expect(await focused(page)).toMatch(id(10));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Snapshot 10' });
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await poll(() => focused(page)).toMatch(id(10));
  expect(await rows.count()).toBeLessThan(60);
});

test('from the list to a plan by keys alone', async () => {
  const { page } = await visit('operator', '/tables');
  await page.locator('[data-row]').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('flights.flights');
  await poll(() => page.locator('[data-row]').count()).toBe(1);
  await tabTo(page, /^flightsflights$/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'flights' }).waitFor();
  await page.getByText('40 points off').waitFor();
  await tabTo(page, /^Compact …$/);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run this plan' }).waitFor();
  await tabTo(page, /^Run this plan$/);
  // Along the tabs and back to the list, without it.
  await page.keyboard.press(']');
  await poll(() => page.url()).toContain('/history');
  await page.keyboard.press('[');
  await page.keyboard.press('[');
  await poll(() => page.url()).toContain('/files');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog', { name: 'Go to' }).waitFor();
  await page.keyboard.type('page jobs');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
});

test('who goes on to a table at once is not called back by what was typed, however long its code takes', async () => {
  const { page, context } = await visit('viewer', '/tables');
  let come = () => {};
  const held = new Promise<void>((done) => (come = done));
  await context.route('**/assets/table-*', async (route) => {
    await held;
    await route.continue();
  });
  await page.locator('[data-row]').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('flights.flights');
  await poll(() => page.locator('[data-row]').count()).toBe(1);
  await page.locator('[data-row]').click();
  await page.waitForTimeout(600);
  come();
  await page.getByRole('heading', { level: 1, name: 'flights' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/tables/flights.flights/overview');
});

test('who is on a button of the frame stays there when what it opens has come, and may want it before', async () => {
  const { page, context } = await visit('viewer', '/api/health');
  await context.addInitScript(() => {
    Reflect.set(window, 'requestIdleCallback', (then: () => void) => Reflect.set(window, 'beIdle', then));
  });
  await page.goto(`${inject('base')}/jobs`);
  const tray = page.locator('[data-opens=tray]');
  await tray.waitFor();
  await tray.focus();
  expect(await tray.getAttribute('data-state')).toBeNull();
  await page.evaluate(() => (Reflect.get(window, 'beIdle') as () => void)());
  await poll(() => tray.getAttribute('data-state')).toBe('closed');
  expect(await tray.evaluate((button) => document.activeElement === button)).toBe(true);
  await page.reload();
  await page.locator('[data-opens=menu]').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
  await page.keyboard.press('Escape');
  // Where it does not come, who wanted it is told, and the page stays.
  await context.route('**/assets/overlays-*', (route) => route.abort());
  await page.reload();
  await tray.click();
  await page.getByText(/^It can’t be opened: /).waitFor();
  await context.unroute('**/assets/overlays-*');
  await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
});
