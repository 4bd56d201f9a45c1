import { expect, inject, test } from 'vitest';

import { beside, ownFeed, poll, useBrowser, visit } from './browser';

useBrowser();

const add = (path: string) => beside().addColumn(inject('tokens').operator, 'work.tabs', path);
const CLOSED = 'It can’t be undone: the schema was changed again since.';

/** A gate that a request waits at. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((done) => (open = done));
  return { opened, open: () => open() };
}

test('what happens before the live feed is open is seen', async () => {
  const job = await add('before_the_feed');
  const { page, context } = await visit('operator', '/plugins');
  await ownFeed(context);
  const { opened, open } = gate();
  await context.route(/\/api\/events/, async (route) => {
    await opened;
    await route.continue();
  });
  await page.goto(`${inject('base')}/jobs/${job}`);
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  await add('before_the_feed_too');
  expect(await page.getByText(CLOSED).count()).toBe(0);
  open();
  await page.getByText(CLOSED).waitFor();
});

test('what happens while a first answer is on its way is seen', async () => {
  const job = await add('on_its_way');
  const { page, context } = await visit('operator', '/jobs');
  const { opened, open } = gate();
  await context.route(
    `**/api/jobs/${job}`,
    async (route) => {
      const old = await route.fetch();
      await opened;
      await route.fulfill({ response: old });
    },
    { times: 1 },
  );
  const told = page.getByText('add-column of work.tabs is done');
  await page.locator(`a[href="/jobs/${job}"]`).first().click();
  const before = await told.count();
  await add('on_its_way_too');
  await poll(() => told.count()).toBe(before + 1);
  // The event has asked for everything on screen by then.
  await page.waitForTimeout(600);
  open();
  await page.getByText(CLOSED).waitFor();
});

test('eight tabs of one browser all follow a job: a browser opens six connections to a server at most', async () => {
  const { page, context } = await visit('operator', '/jobs');
  const pages = [page];
  while (pages.length < 8) {
    const next = await context.newPage();
    await next.goto(`${inject('base')}/jobs`);
    await next.getByRole('heading', { name: 'Jobs' }).waitFor();
    pages.push(next);
  }
  const eighth = pages[7] ?? page;
  await eighth.getByRole('link', { name: 'Tables', exact: true }).click();
  await eighth.locator('[data-row]').first().waitFor();
  await eighth.goBack();
  // The first is gone, and comes back from where it was.
  await page.goto(`${inject('base')}/tables`);
  await page.goBack();
  await beside().ask(
    inject('tokens').operator,
    'POST',
    '/api/operations/set-properties',
    { table: 'work.plain', arguments: { properties: { seen: 'by all' } } },
    { Prefer: 'wait=30' },
  );
  for (const one of pages) {
    const row = one.getByRole('listitem').filter({ hasText: 'Set properties of work.plain' });
    await row.getByText('succeeded').first().waitFor();
  }
});
