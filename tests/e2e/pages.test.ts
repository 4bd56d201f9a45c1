import { expect, inject, test } from 'vitest';

import { accessible, fits, keep, poll, quiet, shade, useBrowser, visit, type Role } from './browser';

useBrowser();

/** Every page: its address, what stands on it once it is whole, and the name of its picture. */
const PAGES: [name: string, path: string, whole: string, role: Role | null][] = [
  ['sign-in', '/tables', 'text=Lakehouse console', null],
  ['tables', '/tables', 'role=link[name=/^flights/]', 'admin'],
  ['overview', '/tables/flights.flights/overview', 'role=button[name=/Compact/]', 'operator'],
  ['schema', '/tables/shapes.nested/schema', 'role=rowheader[name=/^lat/]', 'operator'],
  ['rows', '/tables/shapes.nested/rows', 'role=columnheader[name="region"]', 'operator'],
  ['snapshots', '/tables/shapes.branches/snapshots', 'text=audit', 'operator'],
  ['files', '/tables/flights.flights/files', 'text=13 partitions', 'operator'],
  [
    'operations',
    '/tables/flights.flights/operations?op=compact&plan=true',
    'role=button[name="Run this plan"]',
    'operator',
  ],
  ['history', '/tables/flights.airlines/history', 'text=Nothing was done here yet', 'operator'],
  ['jobs', '/jobs', 'role=heading[name="Jobs"]', 'operator'],
  ['plugins', '/plugins', 'role=link[name="Small files"]', 'admin'],
  ['plugin', '/plugins/small-files/overview', 'text=Its life', 'admin'],
  ['plugin-log', '/plugins/small-files/log', 'role=heading[name="Log"]', 'admin'],
  ['plugin-configuration', '/plugins/small-files/configuration', 'role=button[name="Save"]', 'admin'],
];

for (const [name, path, whole, role] of PAGES) {
  test(`${name} can be used by everyone, in light and in dark, on a phone and at 200 %`, async () => {
    const { page, context, complaints } = await visit(role, path);
    await page.locator(whole).first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    await accessible(page);
    await keep(page, `${name}-light`);
    await shade(page, 'dark');
    await accessible(page);
    await keep(page, `${name}-dark`);
    // 1280 at 200 % has the room of 640.
    for (const width of [640, 360]) {
      await page.setViewportSize({ width, height: 740 });
      await page.locator(whole).first().waitFor();
      await fits(page);
    }
    await accessible(page);
    if (name === 'tables' || name === 'overview') await keep(page, `${name}-phone`);
    expect(complaints).toEqual([]);
    await context.close();
  });
}

test('a page does not jump while it is filled', async () => {
  const { page, context } = await visit('viewer', '/plugins');
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Reflect.set(window, 'shifts', shifts);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push(Number(Reflect.get(entry, 'value')));
    }).observe({ type: 'layout-shift', buffered: true });
  });
  for (const path of [
    '/tables',
    '/tables/flights.flights/overview',
    '/tables/flights.flights/files',
    '/jobs',
    '/plugins/small-files/overview',
  ]) {
    await page.goto(inject('base') + path);
    await page.locator('h1').first().waitFor();
    await poll(() => page.locator('[role=status][aria-label]').count()).toBe(0);
    await quiet(page);
    const shifted = await page.evaluate(() =>
      (Reflect.get(window, 'shifts') as number[]).reduce((sum, one) => sum + one, 0),
    );
    expect(shifted, path).toBeLessThan(0.02);
  }
  await context.close();
});

test('dialogs can be used by everyone too', async () => {
  const { page, context, complaints } = await visit('admin', '/tables');
  await page.locator('role=link[name=/^flights/]').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await accessible(page);
  await keep(page, 'keys-light');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('option', { name: /flights\.flights/ }).waitFor();
  await accessible(page);
  await keep(page, 'palette-light');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Jobs' }).click();
  await page.getByRole('link', { name: 'All jobs' }).waitFor();
  await accessible(page);
  expect(complaints).toEqual([]);
  await context.close();
});
