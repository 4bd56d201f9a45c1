import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';

import { installed } from '../support/chromium.mjs';
import { Home, Server, TOP } from './rig';

export type Role = 'admin' | 'operator' | 'viewer';

const NAMES: Record<Role, string> = { admin: 'ada', operator: 'olga', viewer: 'vera' };
const AXE = readFileSync(createRequire(join(TOP, 'frontend/package.json')).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;

/** A browser for the file's tests. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch(installed());
  });
  afterAll(() => browser.close());
  afterEach(async ({ task }) => {
    try {
      // As the test has left them: every page that a test opens can be used by everyone.
      const pages = browser.contexts().flatMap((context) => context.pages());
      if (!task.result?.errors?.length) for (const page of pages) await accessible(page);
    } finally {
      // Also those of a test that failed in the middle.
      for (const context of browser.contexts()) await context.close();
    }
  });
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What the browser complained of: refused scripts and styles, errors of scripts. */
  complaints: string[];
}

/** A signed-in page. Where `base` is given it is another server than that of all files, with its home. */
export async function visit(
  role: Role | null,
  path: string,
  {
    base = inject('base'),
    home = new Home(inject('home')),
    ...options
  }: BrowserContextOptions & { base?: string; home?: Home } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(40_000);
  if (role) {
    const answer = await context.request.post(`${base}/api/session`, {
      data: { code: home.code(NAMES[role]) },
      headers: { Origin: base },
    });
    expect(answer.status()).toBe(200);
  }
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // What a request answers is told by the page; here only what the browser refused counts.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  await page.goto(base + path);
  return { page, context, complaints };
}

/** Gives each page a live feed of its own: requests of the worker that tabs share can't be held up. */
export async function ownFeed(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => Reflect.deleteProperty(window, 'SharedWorker'));
}

/** The server that runs already, for what a test does beside the page. */
export function beside(): Server {
  const server = new Server(new Home(inject('home')));
  server.base = inject('base');
  return server;
}

/** As `expect.poll`, with the patience that a busy machine needs. */
export function poll<T>(get: () => Promise<T> | T, options: { message?: string } = {}) {
  return expect.poll(get, { timeout: 40_000, interval: 100, ...options });
}

/** Holds the page to WCAG 2.2 AA, as far as axe can see. */
export async function accessible(page: Page): Promise<void> {
  // By the browser's own door: the page's policy allows no script of others.
  await page.evaluate(AXE);
  // Half way from one colour to another nothing has the contrast that it will have.
  await page.evaluate(() => {
    const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    return Promise.allSettled(ends.map((one) => one.finished));
  });
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<{ violations: Violation[] }> } };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run({ runOnly: { type: 'tag', values: tags } });
    return violations.map(({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join('; ')}`.slice(0, 900),
    );
  });
  expect(found).toEqual([]);
}

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/** Changes the system's theme, and waits until the page has followed and no colour is on its way. */
export async function shade(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.waitForFunction(
    (dark) => document.documentElement.classList.contains('dark') === dark,
    colorScheme === 'dark',
  );
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((one) => one instanceof CSSTransition)
        .map((one) => one.finished.catch(() => undefined)),
    ),
  );
}

/** Waits until nothing has been added to the page for half a second. By the network it can't be seen: the feed stays open. */
export async function quiet(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((done) => {
        let timer = setTimeout(done, 500);
        new MutationObserver(() => {
          clearTimeout(timer);
          timer = setTimeout(done, 500);
        }).observe(document.body, { subtree: true, childList: true });
      }),
  );
}

/** Nothing sticks out to the side, once the page is laid out for the window that it has. */
export async function fits(page: Page): Promise<void> {
  const out = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await poll(out, { message: 'pixels that stick out' }).toBeLessThanOrEqual(0);
}

const SHOTS = join(TOP, 'docs/screenshots');

/** Keeps a picture for docs/screenshots, where DRLS_SCREENSHOTS asks for them. */
export async function keep(page: Page, name: string): Promise<void> {
  if (!process.env.DRLS_SCREENSHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
