/**
 * Opens the console of a running server in Chromium and prints what was measured as JSON: lists of milliseconds, but for
 * `heap` (bytes after each part, garbage collected) and `asked` (requests for tables that opening a page made).
 *
 *   node console.mjs BASE CODE TOKEN TABLE TABLE CHANGED
 *
 * CODE signs in once, TOKEN runs the jobs on the table CHANGED whose events the page follows.
 */
import { createRequire } from 'node:module';

import { installed } from '../support/chromium.mjs';

const { chromium } = createRequire(new URL('../../frontend/package.json', import.meta.url))('playwright-core');
const [base, code, token, first, second, changed] = process.argv.slice(2);

const PAINTS = 5;
const SWITCHES = 20;
const EVENTS = 1000;
const SLOWER = 4;

const browser = await chromium.launch(installed());

const session = await (async () => {
  const context = await browser.newContext();
  const answer = await context.request.post(`${base}/api/session`, { data: { code }, headers: { Origin: base } });
  if (!answer.ok()) throw new Error(`no session: ${answer.status()}`);
  const state = await context.storageState();
  await context.close();
  return state;
})();

/** A page with nothing in its cache. */
async function fresh() {
  const context = await browser.newContext({ storageState: session, viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(60_000);
  // The page then has a feed of its own: these tools see its events, and no worker's file that is never done coming.
  await context.addInitScript(() => delete window.SharedWorker);
  const page = await context.newPage();
  const asked = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/table')) asked.push(pathname);
  });
  return { context, page, asked, devtools: await context.newCDPSession(page) };
}

/**
 * Until the first row of the list is on the screen, by the page's own clock from the start of its navigation. With a tool's
 * debugger on: paint.mjs measures it as users have it, this counts what was asked for.
 */
async function paint() {
  const { context, page, asked, devtools } = await fresh();
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await page.addInitScript(() => {
    new MutationObserver((_, self) => {
      if (!document.querySelector('[data-row]')) return;
      self.disconnect();
      requestAnimationFrame(() => setTimeout(() => console.debug(performance.now())));
    }).observe(document, { childList: true, subtree: true });
  });
  let before = 0;
  page.once('requestfinished', function count(request) {
    // Those for tables that stand between the navigation and the first answer with some.
    if (new URL(request.url()).pathname === '/api/tables') before = asked.length;
    else page.once('requestfinished', count);
  });
  // The page says it: to ask would be work of its own, on the same slow thread.
  const painted = page.waitForEvent('console', (message) => message.type() === 'debug');
  await page.goto(`${base}/tables`, { waitUntil: 'commit' });
  const at = Number((await painted).text());
  await context.close();
  return { at, before };
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name: name.split('.').at(-1) }).waitFor();

/** From one table to another and back, both read before. */
async function switches() {
  const { context, page, asked } = await fresh();
  await page.goto(`${base}/tables/${first}/overview`);
  await heading(page, first);
  await page.waitForLoadState('networkidle');
  const opened = asked.length;
  await page.keyboard.press('Control+k');
  await page.keyboard.type(second);
  await page.getByRole('option', { name: second }).first().click();
  await heading(page, second);
  await page.waitForLoadState('networkidle');
  const times = [];
  for (let turn = 0; turn < SWITCHES; turn += 1) {
    const [forth, name] = turn % 2 ? [true, second] : [false, first];
    times.push(
      await page.evaluate(
        ([forth, short]) =>
          new Promise((done) => {
            const begun = performance.now();
            const watch = new MutationObserver(() => {
              if (document.querySelector('h1')?.textContent.trim() !== short) return;
              if (document.querySelector('[role=status][aria-label]')) return;
              watch.disconnect();
              requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
            });
            watch.observe(document.body, { childList: true, subtree: true, characterData: true });
            if (forth) history.forward();
            else history.back();
          }),
        [forth, name.split('.').at(-1)],
      ),
    );
  }
  await context.close();
  return { times, opened };
}

/** The longest frames while words are typed into the search over every table. */
async function typing() {
  const { context, page } = await fresh();
  await page.goto(`${base}/tables`);
  await page.waitForFunction(() =>
    /^[\d,]+ tables, /.test(document.querySelector('h1')?.parentElement?.innerText.split('\n').at(-1) ?? ''),
  );
  await page.getByRole('searchbox').click();
  await page.evaluate(() => {
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => {
      window.frames_.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  for (const word of ['table_0', 'many 99', 'nothing has this']) {
    await page.keyboard.type(word, { delay: 70 });
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Backspace');
    await page.waitForTimeout(400);
  }
  const frames = await page.evaluate(() => window.frames_);
  await context.close();
  return frames;
}

/** What the page holds after each 1,000 live events and 100 changes of page: the first fill caches and warm code. */
async function memory() {
  const { context, page, devtools } = await fresh();
  await devtools.send('Performance.enable');
  let events = 0;
  await devtools.send('Network.enable');
  devtools.on('Network.eventSourceMessageReceived', () => (events += 1));
  await page.goto(`${base}/tables/${changed}/history`);
  await heading(page, changed);
  const heap = [];
  let jobs = 0;
  for (let part = 0; part < 3; part += 1) {
    const until = events + EVENTS;
    let pages = 0;
    while (events < until || pages < 100) {
      const answer = await fetch(`${base}/api/operations/set-properties`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ table: changed, arguments: { properties: { bench: `${(jobs += 1)}` } } }),
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      await page.keyboard.press(pages % 2 ? '[' : ']');
      pages += 1;
      await page.waitForTimeout(40);
    }
    await page.waitForTimeout(2000);
    for (let turn = 0; turn < 3; turn += 1) await devtools.send('HeapProfiler.collectGarbage');
    const { metrics } = await devtools.send('Performance.getMetrics');
    heap.push(metrics.find(({ name }) => name === 'JSHeapUsedSize').value);
  }
  await context.close();
  return { heap, events, jobs };
}

const paints = [];
for (let turn = 0; turn < PAINTS; turn += 1) paints.push(await paint());
const { times, opened } = await switches();
const frames = await typing();
const { heap, events, jobs } = await memory();
await browser.close();
console.log(
  JSON.stringify({
    paint: paints.map(({ at }) => at),
    switch: times,
    frames,
    heap,
    events,
    jobs,
    asked: { list: paints[0].before, detail: opened },
  }),
);
