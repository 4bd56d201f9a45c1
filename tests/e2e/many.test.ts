import type { BrowserContext } from 'playwright-core';
import { expect, inject, test } from 'vitest';

import { poll, useBrowser, visit } from './browser';

useBrowser();

/** Answers a list of the interface with these items, page by page as the server does. */
async function answer(context: BrowserContext, path: RegExp, items: (query: URLSearchParams) => object[]) {
  await context.route(path, (route) => {
    const { searchParams: query } = new URL(route.request().url());
    const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit') ?? 100)];
    const all = items(query);
    const next = from + limit < all.length ? String(from + limit) : null;
    return route.fulfill({ json: { items: all.slice(from, from + limit), next } });
  });
}

function times<T>(many: number, make: (at: number) => T): T[] {
  return Array.from({ length: many }, (_, at) => make(at));
}

/** 1,100 jobs: 30 that run, 120 that wait, and the rest done. */
const JOBS = times(1100, (at) => ({
  id: `job-${at}`,
  operation: 'compact',
  table: `work.t${at}`,
  catalog: 'drls',
  state: at < 30 ? 'running' : at < 150 ? 'queued' : 'succeeded',
  progress: { done: 0, total: 1, unit: 'files' },
  steps: [],
  actor: 'olga',
  plugin: { id: 'compact', version: '0.1.0', digest: 'x' },
  timestamps: { created_at: new Date().toISOString() },
}));

test('jobs are listed to the last, and the tray counts what it knows of', async () => {
  const { page, context } = await visit('viewer', '/plugins');
  await answer(context, /\/api\/jobs\?/, (query) =>
    JOBS.filter(({ state }) => query.get('ended') !== 'false' || ['queued', 'running'].includes(state)),
  );
  await page.goto(`${inject('base')}/jobs`);
  await page.getByRole('button', { name: '100+ jobs run' }).waitFor();
  for (let listed = 100; listed < JOBS.length; listed += 100) {
    await page.getByText(`the newest ${listed.toLocaleString('en')} are listed.`).waitFor();
    await page.getByRole('button', { name: 'Show older' }).click();
  }
  await page.getByText('work.t1099').waitFor();
  await page.reload();
  await page.getByText('work.t1099').waitFor();
  await poll(() => page.getByRole('button', { name: 'Show older' }).count()).toBe(0);
});

test('partitions are read as far as they are drawn, and more are told', async () => {
  const { page, context } = await visit('viewer', '/jobs');
  let many = 1500;
  await answer(context, /\/api\/table\/[^/]+\/partitions/, () =>
    times(many, (at) => ({
      spec_id: 0,
      path: `day=${at}`,
      partition: {},
      data_files: 2,
      small_files: 1,
      data_bytes: 10,
      records: 1,
      delete_files: 0,
    })),
  );
  await page.goto(`${inject('base')}/tables/work.plain/files`);
  await page.getByText('1,500 partitions', { exact: true }).waitFor();
  many = 3500;
  await page.reload();
  await page.getByText('2,000 partitions read, more exist').waitFor();
  await page.getByText('1,500 of 2,000 drawn').waitFor();
});

test('a tag is drawn as one, however many branches there are', async () => {
  const { page, context } = await visit('viewer', '/jobs');
  await answer(context, /\/api\/table\/[^/]+\/refs/, () => [
    ...times(1000, (at) => ({ name: `b${at}`, kind: 'branch', snapshot_id: '1' })),
    { name: 'v1', kind: 'tag', snapshot_id: '1' },
  ]);
  await page.goto(`${inject('base')}/tables/shapes.branches/snapshots`);
  const list = page.getByRole('region', { name: 'Graph of snapshots' });
  await list.getByLabel('tag').waitFor();
});

test('a log says that it is not whole', async () => {
  const { page, context } = await visit('viewer', '/jobs');
  const line = { at: new Date().toISOString(), level: 'info', message: 'a line', version: '0.1.0', digest: 'x' };
  let many = 499;
  await context.route('**/api/plugins/small-files/log*', (route) =>
    route.fulfill({ json: { items: times(many, () => line) } }),
  );
  await page.goto(`${inject('base')}/plugins/small-files/log`);
  await page.getByText('a line').first().waitFor();
  expect(await page.getByText('older ones may exist').count()).toBe(0);
  many = 500;
  await page.getByText('the newest 500 lines; older ones may exist').waitFor();
});

test('a search does not say that nothing fits while tables are still coming', async () => {
  const { page, context } = await visit('viewer', '/plugins');
  const table = (name: string) => ({
    name: `many.${name}`,
    namespace: ['many'],
    table: name,
    health: null,
    error: null,
  });
  let go = () => {};
  const gone = new Promise<void>((done) => (go = done));
  await context.route(/\/api\/tables\?/, async (route) => {
    const first = new URL(route.request().url()).searchParams.get('sort') === 'score';
    if (!first) await gone;
    const items = first ? [table('one')] : [table('one'), table('sought')];
    await route.fulfill({ json: { items, next: first ? 'more' : null } });
  });
  await page.goto(`${inject('base')}/tables?q=sought`);
  await page.getByText('1 table so far, reading on …').waitFor();
  await page.getByRole('status', { name: 'The tables are being listed' }).waitFor();
  expect(await page.getByText('No table fits').count()).toBe(0);
  go();
  await page.getByRole('link', { name: /^sought/ }).waitFor();
  await page.getByLabel('Search tables').fill('nothing has this');
  await page.getByText('No table fits').waitFor();
});
