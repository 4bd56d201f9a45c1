import { expect, inject, test } from 'vitest';

import { ownFeed, quiet, useBrowser, visit } from './browser';
import { addressOf, PLACES } from './places';

useBrowser();

/** What waits for an answer with reason: a plan for somebody who may run it. */
const LATER = [/^\/api\/operations\/compact/];

for (const place of PLACES) {
  test(`${place.name} asks for all that it needs at once, code and answers: nothing waits for what it does not need`, async () => {
    const path = await addressOf(place);
    const { page, context } = await visit(place.role, '/api/health');
    // It opens for a user, and has no answer here: what an event asks for once more is no part of a page.
    await ownFeed(context);
    // Nor is what comes once the page stands.
    await context.addInitScript(() => Reflect.set(window, 'requestIdleCallback', () => 0));
    const first = /(?:src|href)="([^"]+)"/g;
    const entry = await (await page.request.get(`${inject('base')}/index.html`)).text();
    const known = [path, ...[...entry.matchAll(first)].map((found) => found[1])];
    const asked: string[] = [];
    const answered: string[] = [];
    page.on('response', (answer) => answered.push(`${answer.status()} ${new URL(answer.url()).pathname}`));
    let open = () => {};
    const opened = new Promise<void>((done) => (open = done));
    await context.route('**/*', async (route) => {
      const { pathname, search } = new URL(route.request().url());
      if (pathname === '/api/events') return;
      const what = pathname + search;
      if (!known.includes(what)) {
        asked.push(what);
        await opened;
      }
      await route.continue();
    });
    await page.goto(inject('base') + path);
    // Nothing was answered but the page and its entry, and nothing more is asked for: three looks in a row, since a machine
    // that stands still for a moment takes one for a pause.
    let before = 0;
    for (let same = 0; same < 3;) {
      await page.waitForTimeout(400);
      same = asked.length > 0 && asked.length === before ? same + 1 : 0;
      before = asked.length;
    }
    expect(asked, 'once, also what is asked for before the code is there').toEqual([...new Set(asked)]);
    open();
    await page.locator(place.whole).first().waitFor();
    await quiet(page);
    const more = asked.slice(before).filter((one) => !LATER.some((later) => later.test(one)));
    expect(more, `${asked.slice(0, before).join(' ')}; ${answered.join(', ')}`).toEqual([]);
  });
}

test('a table that is pointed at has its code fetched, and of its answers the report alone', async () => {
  const { page } = await visit('viewer', '/tables/flights.flights/overview');
  await page.getByText('40 points off').waitFor();
  await quiet(page);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  const rows = page.getByRole('navigation', { name: 'Parts of the table' }).getByRole('link', { name: 'Rows' });
  await Promise.all([page.waitForRequest(/assets\/RowsTab/), rows.hover()]);
  await page.waitForTimeout(500);
  expect(asked.filter((one) => one.startsWith('/api/'))).toEqual([]);
  await rows.click();
  await page.getByRole('region', { name: 'Values by column' }).waitFor();
  expect(asked.filter((one) => one.startsWith('/api/'))).toEqual(['/api/table/flights.flights/preview']);
  expect(asked.filter((one) => one.includes('RowsTab'))).toHaveLength(1);
});
