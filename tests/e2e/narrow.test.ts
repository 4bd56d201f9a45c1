import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { accessible, fits, poll, useBrowser, visit } from './browser';
import { addressOf, PLACES } from './places';

useBrowser();

const PHONE = { viewport: { width: 360, height: 740 } };

/** Whether all of it is in sight, and none of its text cut off. */
async function whole(page: Page, selector: string) {
  const one = page.locator(selector).first();
  await one.waitFor();
  await poll(
    () =>
      one.evaluate((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        const cut = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline';
        const clips = (outer: Element | null): boolean => {
          if (!outer) return false;
          const box = outer.getBoundingClientRect();
          const hides = getComputedStyle(outer).overflowX !== 'visible';
          return (hides && (left < box.left - 1 || right > box.right + 1)) || clips(outer.parentElement);
        };
        return width > 0 && !cut && left >= 0 && right <= window.innerWidth && !clips(element.parentElement);
      }),
    { message: selector },
  ).toBe(true);
}

test('on a phone the tab that one is on is in sight, on every page that has tabs', async () => {
  const tabbed = PLACES.filter(({ path }) => /^\/(tables|plugins)\/.+\/\w+/.test(path));
  expect(tabbed.length).toBeGreaterThan(9);
  const { page } = await visit('operator', '/jobs', PHONE);
  for (const place of tabbed) {
    await page.goto(new URL(await addressOf(place), page.url()).href);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await whole(page, 'nav[aria-label^="Parts of"] [aria-current=page]');
  }
});

test('on a phone types of columns, branches and names of jobs can be read', async () => {
  const { page } = await visit('operator', '/tables/shapes.nested/schema', PHONE);
  const type = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'region' }) });
  await type.getByText('string').waitFor();
  expect((await type.boundingBox())?.height, 'one line').toBeLessThan(45);
  await page.goto(new URL('/tables/shapes.branches/snapshots', page.url()).href);
  for (const ref of ['main', 'dev', 'audit']) await whole(page, `role=listitem >> text="${ref}"`);
  const jobs = PLACES.find(({ name }) => name === 'jobs');
  await page.goto(new URL(jobs ? await addressOf(jobs) : '', page.url()).href);
  await whole(page, 'role=listitem >> p:has-text("of work.past")');
});

test('on a phone and at 400 % dialogs, menu, tray and palette have their room', async () => {
  for (const viewport of [PHONE.viewport, { width: 320, height: 200 }]) {
    const { page } = await visit('admin', '/tables/shapes.branches/snapshots', { viewport });
    const list = page.getByRole('region', { name: 'Graph of snapshots' });
    await list.getByRole('button').first().click();
    await page.getByRole('dialog', { name: /^Snapshot/ }).waitFor();
    await fits(page);
    await accessible(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await fits(page);
    await accessible(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Go to …' }).click();
    await page.getByRole('option').first().waitFor();
    await fits(page);
    await whole(page, '[role=dialog] input');
    await accessible(page);
    await page.keyboard.press('Escape');
    for (const [button, inside] of [
      [/^Jobs$|jobs? runs?$/, 'text=All jobs'],
      [/^Signed in as ada/, 'text=Sign out'],
    ] as const) {
      await page.getByRole('button', { name: button }).click();
      await whole(page, inside);
      await fits(page);
      await page.keyboard.press('Escape');
    }
  }
});
