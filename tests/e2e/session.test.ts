import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, inject, test } from 'vitest';

import { accessible, fits, poll, useBrowser, visit } from './browser';
import { Home, Server } from './rig';

useBrowser();

test('who signs in gets to the page that was asked for, and who signs out is out', async () => {
  const { page, context } = await visit(null, '/tables/shapes.branches/schema');
  await page.getByRole('button', { name: 'Use a sign-in link' }).click();
  await page.getByLabel('Sign-in link').fill(new Home(inject('home')).code('vera'));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('rowheader', { name: 'region' }).waitFor();
  await page.getByRole('img', { name: /^Health \d+ of 100/ }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/tables/shapes.branches/schema');
  const cookies = await context.cookies();
  await page.getByRole('button', { name: 'Signed in as vera, viewer' }).click();
  await accessible(page);
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  // The page of somebody who is not signed in, not a dialog over what was read before.
  await page.getByText('Lakehouse console').waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
  expect(await page.getByText('region').count()).toBe(0);
  await page.reload();
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  // Not only forgotten here: the session is over.
  await context.addCookies(cookies);
  expect((await context.request.get(`${inject('base')}/api/tables`)).status()).toBe(401);
});

test('a theme that is chosen stays, whatever the system has, until the system is asked again', async () => {
  const { page } = await visit('viewer', '/jobs', { colorScheme: 'light' });
  const dark = () => page.evaluate(() => document.documentElement.classList.contains('dark'));
  const choose = async (name: string) => {
    await page.getByRole('button', { name: /^Signed in as vera/ }).click();
    await page.getByRole('menuitemradio', { name }).click();
  };
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  expect(await dark()).toBe(false);
  await choose('Dark');
  await poll(dark).toBe(true);
  await page.reload();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  expect(await dark()).toBe(true);
  await page.keyboard.press('t');
  await page.keyboard.press('d');
  await poll(dark).toBe(false);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await dark()).toBe(false);
  await choose('As the system');
  await poll(dark).toBe(true);
});

test('an empty home says on each page what to do first', async () => {
  const home = new Home();
  const plugins = join(home.folder, 'plugins');
  for (const file of readdirSync(plugins)) rmSync(join(plugins, file));
  home.user('ada', 'admin');
  const server = new Server(home);
  await server.start();
  try {
    const { page, complaints } = await visit('admin', '/jobs', { base: server.base, home });
    for (const [path, told] of [
      ['/tables', 'No tables yet'],
      ['/jobs', 'No jobs yet'],
      ['/plugins', 'Nothing is plugged in'],
    ] as const) {
      await page.goto(server.base + path);
      await page.getByText(told).waitFor();
      await accessible(page);
      await fits(page);
    }
    expect(complaints).toEqual([]);
  } finally {
    await server.stop();
    home.remove();
  }
});
