import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, inject, test } from 'vitest';

import { accessible, poll, useBrowser, visit } from './browser';
import { Home, PLUGINS, TOP } from './rig';

useBrowser();

/** Puts another build in by one rename: its manifest, which travels in the file as text, with words of the same length changed. */
function upgrade(built: string, file: string, words: Record<string, string>) {
  const bytes = readFileSync(built);
  for (const [was, is] of Object.entries(words)) bytes.write(is, bytes.indexOf(was), 'latin1');
  const beside = join(dirname(dirname(file)), 'upgrade.part');
  writeFileSync(beside, bytes);
  renameSync(beside, file);
}

test('each plugin shows state, version and figures, and the way to its parts', async () => {
  const { page } = await visit('viewer', '/plugins');
  const row = page.getByRole('row').filter({ hasText: 'small-files' });
  expect(await row.innerText()).toMatch(/active\s+0\.1\.0/);
  await row.getByRole('link').click();
  for (const state of ['seen', 'verified', 'compiled', 'self-tested', 'active']) {
    await page
      .getByRole('listitem')
      .filter({ hasText: new RegExp(`^${state}`) })
      .first()
      .waitFor();
  }
});

test('a plugin that is taken out and put back is told, and lists follow without a reload', async () => {
  const { page } = await visit('viewer', '/plugins');
  const folder = join(new Home(inject('home')).folder, 'plugins');
  const row = page.getByRole('link', { name: 'Remove orphan files' });
  await row.waitFor();
  rmSync(join(folder, 'remove-orphans.wasm'));
  await row.waitFor({ state: 'detached' });
  copyFileSync(join(PLUGINS, 'remove-orphans.wasm'), join(folder, 'remove-orphans.wasm'));
  await row.waitFor();
  const notice = page.getByRole('listitem').filter({ hasText: 'remove-orphans 0.1.0 serves now' });
  await notice.getByRole('link', { name: 'Show' }).click();
  await page.getByRole('heading', { level: 1, name: 'Remove orphan files' }).waitFor();
  await page.goto(`${inject('base')}/plugins/small-files`);
  await page.getByRole('heading', { level: 1, name: 'Small files' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/plugins/small-files/overview');
});

test('report and remedies follow a swap: a rule that goes takes its finding along, an operation its button', async () => {
  const { page } = await visit('operator', '/tables/flights.flights/overview');
  const folder = join(new Home(inject('home')).folder, 'plugins');
  const finding = page.getByRole('listitem').filter({ hasText: '399 of 399 data files' });
  const remedy = finding.getByRole('button', { name: /Compact/ });
  await remedy.waitFor();
  const score = page.getByRole('img', { name: /^Health \d+ of 100/ });
  const before = await score.getAttribute('aria-label');
  try {
    rmSync(join(folder, 'small-files.wasm'));
    await finding.waitFor({ state: 'detached' });
    await poll(() => score.getAttribute('aria-label')).toMatch(/^Health (8[6-9]|9\d|100) of 100/);
    copyFileSync(join(PLUGINS, 'small-files.wasm'), join(folder, 'small-files.wasm'));
    await finding.waitFor();
    await poll(() => score.getAttribute('aria-label')).toBe(before);
    rmSync(join(folder, 'compact.wasm'));
    await poll(() => remedy.getAttribute('aria-disabled')).toBe('true');
    copyFileSync(join(PLUGINS, 'compact.wasm'), join(folder, 'compact.wasm'));
    await poll(() => remedy.getAttribute('aria-disabled')).toBe(null);
  } finally {
    for (const file of ['small-files.wasm', 'compact.wasm']) copyFileSync(join(PLUGINS, file), join(folder, file));
  }
});

test('a plugin that goes is told quietly; its open form and its remedy say so, keep what was typed, and go on', async () => {
  const folder = join(new Home(inject('home')).folder, 'plugins');
  const form = await visit('operator', '/tables/flights.flights/operations?op=compact');
  const remedy = await visit('operator', '/tables/flights.flights/overview');
  const dryRun = form.page.getByRole('button', { name: 'Dry run' });
  const repair = remedy.page.getByRole('button', { name: /Compact/ });
  await form.page.getByLabel('Filter').fill('month = 7');
  await repair.waitFor();
  rmSync(join(folder, 'compact.wasm'));
  try {
    await form.page.getByText('compact serves no more').waitFor();
    await form.page.getByText(/compact was taken out of service/).waitFor();
    expect(await dryRun.getAttribute('aria-disabled')).toBe('true');
    expect(await form.page.getByLabel('Filter').inputValue()).toBe('month = 7');
    await accessible(form.page);
    await poll(() => repair.getAttribute('aria-disabled')).toBe('true');
    await repair.focus();
    await remedy.page.getByText('No plugin offers compact now.').first().waitFor();
  } finally {
    copyFileSync(join(PLUGINS, 'compact.wasm'), join(folder, 'compact.wasm'));
  }
  await form.page.getByText(/compact was taken out of service/).waitFor({ state: 'detached' });
  expect(await dryRun.getAttribute('aria-disabled')).toBe(null);
  expect(await form.page.getByLabel('Filter').inputValue()).toBe('month = 7');
  await poll(() => repair.getAttribute('aria-disabled')).toBe(null);
});

test('a file that is no plugin is refused with the reason, and what to do', async () => {
  const { page } = await visit('viewer', '/plugins');
  const folder = join(new Home(inject('home')).folder, 'plugins');
  await page.getByRole('link', { name: 'Small files' }).waitFor();
  copyFileSync(join(folder, '..', 'server.log'), join(folder, 'rubbish.wasm'));
  try {
    const row = page.getByRole('row').filter({ hasText: 'rubbish' });
    await row.getByText('refused', { exact: true }).waitFor();
    await row.getByRole('link').click();
    await page.getByRole('alert').first().waitFor();
  } finally {
    rmSync(join(folder, 'rubbish.wasm'));
  }
});

test('a value that an admin sets is in force, and can be taken back; others see it and can’t change it', async () => {
  const { page } = await visit('admin', '/plugins/partition-skew/configuration');
  const weight = page.getByLabel('Weight');
  const before = await weight.inputValue();
  await weight.fill('101');
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByText(/more than 100|maximum|101/)
    .first()
    .waitFor();
  await weight.fill('3');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('partition-skew has its new values').waitFor();
  await page.reload();
  await poll(() => weight.inputValue()).toBe('3');
  await page.getByRole('button', { name: 'Back to its own values' }).click();
  await page.getByText('partition-skew has its own values again').waitFor();
  await poll(() => weight.inputValue()).toBe(before);
  const other = await visit('viewer', '/plugins/partition-skew/configuration');
  await poll(() => other.page.getByLabel('Weight').isDisabled()).toBe(true);
  expect(await other.page.getByRole('button', { name: 'Save' }).getAttribute('aria-disabled')).toBe('true');
});

test('an open form keeps its version and offers the new one with what changed', async () => {
  const { page, context } = await visit('operator', '/jobs');
  let swapped = false;
  await context.route('**/api/operations', async (route) => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: { id: string; schema: { properties: object }; plugin: object }[] };
    const one = body.items.find((item) => item.id === 'add-column');
    if (swapped && one) {
      one.plugin = { ...one.plugin, version: '0.2.0', digest: 'f'.repeat(64) };
      one.schema = {
        ...one.schema,
        properties: { ...one.schema.properties, colour: { type: 'string', title: 'Colour' } },
      };
    }
    await route.fulfill({ response: answer, json: body });
  });
  await page.goto(`${inject('base')}/tables/work.forms/operations?op=add-column`);
  await page.getByLabel('Path').fill('typed');
  swapped = true;
  const folder = join(new Home(inject('home')).folder, 'plugins');
  rmSync(join(folder, 'metadata-size.wasm'));
  const listed = async () => (await page.request.get(`${inject('base')}/api/plugins`)).text();
  await poll(async () => (await listed()).includes('"metadata-size"')).toBe(false);
  copyFileSync(join(PLUGINS, 'metadata-size.wasm'), join(folder, 'metadata-size.wasm'));
  await page.getByText('Fields: new: colour').waitFor();
  expect(await page.getByLabel('Colour').count()).toBe(0);
  expect(await page.getByLabel('Path').inputValue()).toBe('typed');
  await page.getByRole('button', { name: 'Use 0.2.0' }).click();
  await page.getByLabel('Colour').waitFor();
});

test('an admin goes back to a version that is kept, switches a plugin off and on; others may not', async () => {
  const { page } = await visit('admin', '/plugins/remove-orphans/overview');
  const folder = join(new Home(inject('home')).folder, 'plugins');
  upgrade(join(PLUGINS, 'remove-orphans.wasm'), join(folder, 'remove-orphans.wasm'), {
    '"version":"0.1.0"': '"version":"0.1.7"',
  });
  const kept = page.getByRole('listitem').filter({ hasText: /^0\.1\.7/ });
  await kept.getByText('serves', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Go back to 0.1.0' }).click();
  await page.getByRole('button', { name: 'Go back to 0.1.7' }).waitFor();
  expect(readFileSync(join(folder, 'remove-orphans.wasm'))).toEqual(readFileSync(join(PLUGINS, 'remove-orphans.wasm')));
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('Disabled by ada').waitFor();
  const other = await visit('viewer', '/plugins/remove-orphans/overview');
  const enable = other.page.getByRole('button', { name: 'Enable' });
  await enable.waitFor();
  expect(await enable.getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByRole('button', { name: 'Disable' }).waitFor();
});

test('a plugin that asks for more than facts waits, and an admin grants it or takes that back; so does its upgrade', async () => {
  const folder = join(new Home(inject('home')).folder, 'plugins');
  const file = join(folder, 'table-owners.wasm');
  const first = join(TOP, 'host/runtime/tests/corpus/0.1.0/table-owners.wasm');
  copyFileSync(first, file);
  try {
    const { page } = await visit('admin', '/plugins');
    const row = page.getByRole('row').filter({ hasText: 'table-owners' });
    await row.getByText('waits for a grant', { exact: true }).waitFor();
    await row.getByRole('link').click();
    await page.getByText('1.0.0 waits: it wants to send requests that are not granted.').waitFor();
    await page.getByText('owners.example.com new').waitFor();
    const other = await visit('operator', '/plugins/table-owners/overview');
    const grant = other.page.getByRole('button', { name: 'Grant to 1.0.0' });
    await poll(() => grant.getAttribute('aria-disabled')).toBe('true');
    await page.getByRole('button', { name: 'Grant to 1.0.0' }).click();
    await page.getByText('owners.example.com granted').waitFor();
    await page.getByText('Granted by ada').waitFor();
    await page.getByText('active', { exact: true }).first().waitFor();
    upgrade(first, file, {
      '"hosts":["owners.example.com"]': '"hosts":["people.example.com"]',
      '"version":"1.0.0"': '"version":"1.1.0"',
    });
    await page.getByText(/^1\.1\.0 waits: .* not granted; 1\.0\.0 serves until then\.$/).waitFor();
    await page.getByText('people.example.com new').waitFor();
    await page.getByText('owners.example.com granted, not asked for').waitFor();
    await page.getByText('GET granted').waitFor();
    await page.getByRole('button', { name: 'Grant to 1.1.0' }).click();
    await page.getByText('people.example.com granted').waitFor();
    await poll(() => page.getByText('waits: it wants').count()).toBe(0);
    expect(await page.getByText('owners.example.com granted').count()).toBe(0);
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByText('people.example.com new').waitFor();
  } finally {
    rmSync(file);
  }
});
