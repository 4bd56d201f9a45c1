import { expect, inject, test } from 'vitest';

import { beside, fits, ownFeed, poll, useBrowser, visit } from './browser';
import { Home, Server } from './rig';

useBrowser();

function problem(status: number, code: string, errors: object[] = []) {
  const body = {
    type: 'about:blank',
    title: 'x',
    status,
    code,
    detail: `told by ${code}`,
    errors,
    request_id: '01-test',
  };
  return { status, contentType: 'application/problem+json', body: JSON.stringify(body) };
}

test('a server that goes and comes back is told, and the page goes on by itself', async () => {
  const home = new Home();
  home.user('ada', 'admin');
  const server = new Server(home);
  await server.start();
  try {
    const { page } = await visit('admin', '/plugins', { base: server.base, home });
    await page.getByRole('link', { name: 'Small files' }).waitFor();
    await server.stop('SIGKILL');
    await page.getByText(/The server has not answered for/).waitFor();
    await server.start();
    await page.getByText(/The server has not answered for/).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    await page.getByText('No jobs yet').waitFor();
  } finally {
    await server.stop();
    home.remove();
  }
});

test('what is on screen stays where asking anew fails', async () => {
  const set = (seen: string) =>
    beside().ask(
      inject('tokens').operator,
      'POST',
      '/api/operations/set-properties',
      { table: 'work.forms', arguments: { properties: { seen } } },
      { Prefer: 'wait=30' },
    );
  await set('once');
  const rows: [tab: string, row: string][] = [
    ['files', 'role=region[name="Names, partitions and sizes"] >> role=listitem'],
    ['snapshots', 'role=region[name="Graph of snapshots"] >> role=listitem'],
    ['history', 'role=listitem >> text=Table set properties'],
  ];
  const { context } = await visit('viewer', '/jobs');
  const pages = await Promise.all(
    rows.map(async ([tab, row]) => {
      const page = await context.newPage();
      await page.goto(`${inject('base')}/tables/work.forms/${tab}`);
      await page.locator(row).first().waitFor();
      await poll(() => page.locator('[role=status][aria-label]').count(), { message: tab }).toBe(0);
      return { page, row };
    }),
  );
  await context.route('**/api/table/**', (route) => route.fulfill(problem(500, 'internal')));
  // Every tab hears of the change, and asks anew.
  await set('again');
  for (const { page, row } of pages) {
    await page.getByRole('alert').first().waitFor();
    expect(await page.locator(row).count()).toBeGreaterThan(0);
  }
});

test('what can’t be read is told in its place, and nothing waits for ever', async () => {
  const { page, context } = await visit('viewer', '/tables/shapes.gone/files');
  await page.getByText('The sizes can’t be shown').waitFor();
  await page.getByRole('img', { name: 'Health not known' }).waitFor();
  await poll(() => page.locator('[role=status][aria-label]').count()).toBe(0);
  await context.route('**/refs*', (route) => route.fulfill(problem(500, 'internal')));
  await page.goto(`${inject('base')}/tables/shapes.branches/snapshots`);
  await page.getByText('Branches and tags can’t be told apart').waitFor();
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  await list.getByText('v1', { exact: true }).waitFor();
  expect(await list.getByLabel('branch').count()).toBe(0);
});

test('a session that ends in the middle is asked for again, and what was typed stays', async () => {
  const { page, context } = await visit('operator', '/tables/work.forms/operations?op=add-column');
  await page.getByLabel('Path').fill('kept');
  await page.getByLabel('Type').fill('long');
  await context.clearCookies();
  await page.getByRole('button', { name: 'Dry run' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.getByRole('button', { name: 'Use a sign-in link' }).click();
  await dialog.getByLabel('Sign-in link').fill(new Home(inject('home')).code('olga'));
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Path').inputValue()).toBe('kept');
  await page
    .getByRole('button', { name: /Dry run|Plan again|Try again/ })
    .first()
    .click();
  await page.getByText('Add the column kept').waitFor();
});

test('a wrong sign-in is told beside the form', async () => {
  const { page } = await visit(null, '/tables');
  await page.getByLabel('Name').fill('nobody');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').getByText('name or password is wrong').waitFor();
  await page.getByRole('button', { name: 'Use a sign-in link' }).click();
  await page.getByLabel('Sign-in link').fill('http://x/sign-in?code=used');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').getByText('was used before or has run out').waitFor();
});

test('403 says which way out there is', async () => {
  const { page } = await visit('operator', '/tables/work.forms/operations?op=rewrite-manifests');
  await page.route('**/api/operations/rewrite-manifests*', (route) => route.fulfill(problem(403, 'forbidden')));
  await page.getByRole('button', { name: 'Dry run' }).click();
  const alert = page.getByRole('alert');
  await alert.getByText('told by forbidden').waitFor();
  await alert.getByText('Ask an admin for a role that may').waitFor();
  expect(await alert.locator('code').innerText()).toBe('01-test');
});

test('422 stands at the field that is wrong', async () => {
  const { page } = await visit('operator', '/tables/work.forms/operations?op=add-column');
  await page.getByLabel('Path').fill('x');
  const type = page.getByLabel('Type');
  await type.fill('no such type');
  const answered = page.waitForResponse((got) => got.url().includes('/api/operations/add-column'));
  await page.getByRole('button', { name: 'Dry run' }).click();
  const answer = await answered;
  expect(answer.status()).toBe(422);
  const { errors } = (await answer.json()) as { errors: { pointer: string; detail: string }[] };
  expect(errors).toEqual([{ pointer: '/arguments/type', detail: expect.stringMatching(/./) as string }]);
  // The element that the field itself is described by.
  const told = page.locator(`[id="${(await type.getAttribute('id')) ?? ''}__error"]`);
  await poll(() => told.innerText()).toBe(errors[0]?.detail);
  expect((await type.getAttribute('aria-describedby'))?.split(' ')).toContain(await told.getAttribute('id'));
  expect(await page.getByRole('button', { name: 'Run this plan' }).count()).toBe(0);
});

test('what a form needs is said before anything is sent', async () => {
  const { page } = await visit('operator', '/tables/work.forms/operations?op=add-column');
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText('This is needed.').first().waitFor();
  expect(sent).toEqual([]);
});

test('409: of two tabs on one table the second runs no plan that the first one outran, and plans anew', async () => {
  const path = '/tables/work.moves/operations?op=drop-column';
  const [one, two] = [await visit('operator', path), await visit('operator', path)];
  for (const { page } of [one, two]) {
    await page.getByLabel('Path').fill('value');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('button', { name: 'Run this plan' }).waitFor();
  }
  await one.page.getByRole('button', { name: 'Run this plan' }).click();
  await one.page.getByText('succeeded').first().waitFor();
  const answer = two.page.waitForResponse((got) => got.request().method() === 'POST');
  await two.page.getByRole('button', { name: 'Run this plan' }).click();
  expect((await answer).status()).toBe(409);
  const alert = two.page.getByRole('alert');
  await alert.getByText('The table has moved since this was planned').waitFor();
  await alert.getByText(/plan it again with dry_run and look at what changed/).waitFor();
  expect(await two.page.getByRole('button', { name: 'Run this plan' }).isDisabled()).toBe(true);
  await alert.getByRole('button', { name: 'Try again' }).click();
  await two.page.getByText('the table has no column "value"').waitFor();
  expect(await two.page.getByRole('button', { name: 'Run this plan' }).count()).toBe(0);
});

test('412: of two tabs on one form the second writes nothing over, says so, and saves once it has seen the change', async () => {
  const path = '/plugins/small-files/configuration';
  const one = await visit('admin', path);
  const two = await visit('admin', '/jobs');
  // A tab without the feed, as behind a proxy that holds it up: it does not hear of the other one's change.
  await ownFeed(two.context);
  await two.context.route(/\/api\/events/, () => undefined);
  await two.page.goto(inject('base') + path);
  for (const { page } of [one, two]) await page.getByRole('button', { name: 'Save' }).waitFor();
  await one.page.getByLabel('Least files saved').fill('7');
  await one.page.getByRole('button', { name: 'Save' }).click();
  await one.page.getByText('small-files has its new values').waitFor();

  const { page } = two;
  await page.getByLabel('Weight').fill('11');
  const answer = page.waitForResponse((got) => got.request().method() === 'PUT');
  const seen = page.waitForResponse((got) => got.request().method() === 'GET' && got.url().endsWith('/api/config'));
  await page.getByRole('button', { name: 'Save' }).click();
  expect((await answer).status()).toBe(412);
  await page.getByRole('alert').getByText('Somebody else changed it in between').waitFor();
  expect(await page.getByLabel('Weight').inputValue()).toBe('11');
  await (await seen).finished();
  await poll(async () => {
    const save = page.getByRole('button', { name: 'Save' });
    if (await save.isEnabled()) await save.click();
    return page.getByText('small-files has its new values').count();
  }).toBeGreaterThan(0);
  const config = await beside().ask(inject('tokens').admin, 'GET', '/api/config');
  expect(config).toMatchObject({
    settings: { plugins: { 'small-files': { config: { least_saved: 7, weight: 11 } } } },
  });
  // Its way back has room too, at 400 %.
  await page.setViewportSize({ width: 320, height: 640 });
  await page.getByRole('button', { name: 'Back to its own values' }).waitFor();
  await fits(page);
  await page.getByRole('button', { name: 'Back to its own values' }).click();
  await page.getByText('small-files has its own values again').waitFor();
});

test('503 is tried again after the wait that the server asks for', async () => {
  const { page, context } = await visit('viewer', '/tables');
  let times = 0;
  await context.route('**/api/plugins', (route) => {
    times += 1;
    return times === 1
      ? route.fulfill({ ...problem(503, 'overloaded'), headers: { 'retry-after': '6' } })
      : route.continue();
  });
  await page.goto(`${inject('base')}/plugins`);
  await page.getByText(/Tries again in [1-6] s/).waitFor();
  await page.getByRole('link', { name: 'Small files' }).waitFor();
  expect(times).toBe(2);
});

test('a slow answer keeps its place and says what is coming', async () => {
  const { page, context } = await visit('viewer', '/jobs');
  let go: () => void = () => undefined;
  const held = new Promise<void>((done) => (go = done));
  await context.route('**/health*', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${inject('base')}/tables/flights.flights/overview`);
  await page.getByRole('status', { name: 'The table is being judged' }).waitFor();
  go();
  await page.getByText('40 points off').waitFor();
});
