import { expect, inject, test } from 'vitest';

import { beside, poll, useBrowser, visit } from './browser';
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

test('409: a plan that the table has outrun is planned again', async () => {
  const { page } = await visit('operator', '/tables/work.moves/operations?op=drop-column');
  await page.getByLabel('Path').fill('value');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('button', { name: 'Run this plan' }).waitFor();
  const wait = { Prefer: 'wait=30' };
  await beside().ask(
    inject('tokens').operator,
    'POST',
    '/api/evolve/drop-column',
    { table: 'work.moves', path: 'value' },
    wait,
  );
  await page.getByRole('button', { name: 'Run this plan' }).click();
  const alert = page.getByRole('alert');
  await alert.getByText(/The table has moved since|not started/).waitFor();
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page
    .getByText(/It can’t be planned|value/)
    .first()
    .waitFor();
});

test('412: values that somebody else changed are not written over', async () => {
  const { page, context } = await visit('admin', '/plugins/small-files/configuration');
  await page.getByRole('button', { name: 'Save' }).waitFor();
  // Without the feed this page does not hear of the change. Requests of the worker that tabs share can't be held up.
  await context.addInitScript(() => Reflect.deleteProperty(window, 'SharedWorker'));
  await context.route('**/api/events', (route) => route.abort());
  await page.reload();
  await page.getByRole('button', { name: 'Save' }).waitFor();
  const server = beside();
  const token = inject('tokens').admin;
  const answer = await fetch(`${server.base}/api/config`, { headers: { Authorization: `Bearer ${token}` } });
  const { settings } = (await answer.json()) as { settings: { plugins: object } };
  const changed = { ...settings, plugins: { ...settings.plugins, snapshots: { config: { many: 51 } } } };
  await context.route('**/api/config', (route) =>
    route.request().method() === 'GET' ? route.abort() : route.continue(),
  );
  await server
    .ask(token, 'PUT', '/api/config', changed, { 'If-Match': answer.headers.get('etag') ?? '' })
    .catch(() =>
      server.ask(
        token,
        'PUT',
        '/api/config',
        { ...settings, limits: { request_timeout_ms: 59000 } },
        { 'If-Match': answer.headers.get('etag') ?? '' },
      ),
    );
  await page.getByLabel('Weight').fill('11');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').getByText('Somebody else changed it in between').waitFor();
  await context.unroute('**/api/config');
  await page.waitForResponse((got) => got.url().endsWith('/api/config') && got.ok()).catch(() => undefined);
  expect(await page.getByLabel('Weight').inputValue()).toBe('11');
});

test('503 is tried again after the wait that the server asks for', async () => {
  const { page, context } = await visit('viewer', '/tables');
  let times = 0;
  await context.route('**/api/plugins', (route) => {
    times += 1;
    return times === 1
      ? route.fulfill({ ...problem(503, 'overloaded'), headers: { 'retry-after': '2' } })
      : route.continue();
  });
  await page.goto(`${inject('base')}/plugins`);
  await page.getByText(/Tries again in [12] s/).waitFor();
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
