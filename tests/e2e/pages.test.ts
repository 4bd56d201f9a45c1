import { expect, inject, test } from 'vitest';

import { accessible, fits, keep, poll, quiet, shade, useBrowser, visit } from './browser';
import { addressOf, PLACES } from './places';

useBrowser();

for (const place of PLACES) {
  const { name, whole, role } = place;
  test(`${name} can be used by everyone, in light and in dark, on a phone and at 200 and 400 %`, async () => {
    const { page, complaints } = await visit(role, await addressOf(place));
    await page.locator(whole).first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    await accessible(page);
    await keep(page, `${name}-light`);
    await shade(page, 'dark');
    await accessible(page);
    await keep(page, `${name}-dark`);
    // 1280 by 800 at 200 % has the room of 640 by 400, and at 400 % that of 320 by 200.
    for (const [width, height] of [
      [640, 400],
      [320, 200],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.locator(whole).first().waitFor();
      await fits(page);
    }
    await accessible(page);
    if (name === 'tables' || name === 'overview') await keep(page, `${name}-phone`);
    expect(complaints).toEqual([]);
  });
}

test('no page jumps while it is filled', async () => {
  const { page } = await visit('admin', '/plugins');
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Reflect.set(window, 'shifts', shifts);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push(Number(Reflect.get(entry, 'value')));
    }).observe({ type: 'layout-shift', buffered: true });
  });
  for (const place of PLACES) {
    // That of somebody who is signed in.
    if (place.role === null) continue;
    await page.goto(inject('base') + (await addressOf(place)));
    await page.locator(place.whole).first().waitFor();
    await poll(() => page.locator('[role=status][aria-label]').count()).toBe(0);
    await quiet(page);
    const shifted = await page.evaluate(() =>
      (Reflect.get(window, 'shifts') as number[]).reduce((sum, one) => sum + one, 0),
    );
    expect(shifted, place.name).toBeLessThan(0.02);
  }
});

test('dialogs can be used by everyone too', async () => {
  const { page, complaints } = await visit('admin', '/tables');
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
});
