/**
 * Opens the list of tables in Chromium with nothing in its cache, on a processor made slower, and prints as JSON the
 * milliseconds from the start of each navigation to its first row on the screen: `tables`, and `bare` of a page that is
 * nothing but a row, for what the browser and this measuring take.
 *
 *   node paint.mjs BASE CODE
 *
 * CODE signs in once. Chromium is spoken to directly: playwright-core has its debugger on in every page, which reads
 * all of the entry anew for the stack trace of each error object that React makes as it starts. No user has that.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installed } from '../support/chromium.mjs';

const [base, code] = process.argv.slice(2);

const PAINTS = 9;
const SLOWER = 4;
/** Milliseconds that a page is left alone: to ask it would be work of its own, on the same slow thread. */
const ALONE = 2500;

const answer = await fetch(`${base}/api/session`, {
  method: 'POST',
  headers: { Origin: base, 'Content-Type': 'application/json' },
  body: JSON.stringify({ code }),
});
if (!answer.ok) throw new Error(`no session: ${answer.status}`);
const [, name, value] = /^([^=]+)=([^;]*)/.exec(answer.headers.get('set-cookie'));

const profile = mkdtempSync(join(tmpdir(), 'drls-paint-'));
const { executablePath, args } = installed();
const chromium = spawn(
  executablePath,
  [
    ...args,
    '--headless',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    // Nothing of its own meanwhile.
    ...['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-extensions'],
  ],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
);
const [, , , to, from] = chromium.stdio;

/** Who waits for the answer to a message, by its number. */
const waiting = new Map();
chromium.once('exit', () => {
  for (const done of waiting.values()) done(Promise.reject(new Error('Chromium has ended')));
});
to.on('error', () => {});
let sent = 0;
let begun = '';
from.setEncoding('utf8').on('data', (text) => {
  const messages = (begun + text).split('\0');
  begun = messages.pop();
  for (const { id, result, error } of messages.map((one) => JSON.parse(one))) {
    if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
    waiting.delete(id);
  }
});

/** Says something by the DevTools protocol, to the browser or to the page of a session. */
function tell(method, params = {}, sessionId = undefined) {
  sent += 1;
  to.write(`${JSON.stringify({ id: sent, method, params, sessionId })}\0`);
  return new Promise((done) => waiting.set(sent, done));
}

const WATCH = `
  new MutationObserver((_, self) => {
    if (!document.querySelector('[data-row]')) return;
    self.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.painted_ = performance.now())));
  }).observe(document, { childList: true, subtree: true });`;

async function paint(url) {
  const { browserContextId } = await tell('Target.createBrowserContext');
  const { targetId } = await tell('Target.createTarget', {
    url: 'about:blank',
    browserContextId,
    width: 1280,
    height: 800,
  });
  const { sessionId } = await tell('Target.attachToTarget', { targetId, flatten: true });
  const page = (method, params) => tell(method, params, sessionId);
  await page('Network.setCookie', { name, value, url, httpOnly: true });
  await page('Page.enable');
  await page('Page.addScriptToEvaluateOnNewDocument', { source: WATCH });
  await page('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await page('Page.navigate', { url });
  for (let turn = 0; turn < 10; turn += 1) {
    await new Promise((done) => setTimeout(done, ALONE));
    const { result } = await page('Runtime.evaluate', { expression: 'window.painted_' });
    if (result.type !== 'number') continue;
    await tell('Target.disposeBrowserContext', { browserContextId });
    return result.value;
  }
  throw new Error(`no row on ${url}`);
}

const bare = createServer((_, answer) => {
  answer.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bare</title><p data-row>one</p>');
});
await new Promise((done) => bare.listen(0, '127.0.0.1', done));

try {
  const found = { tables: [], bare: [] };
  for (let turn = 0; turn < PAINTS; turn += 1) {
    found.tables.push(await paint(`${base}/tables`));
    found.bare.push(await paint(`http://127.0.0.1:${bare.address().port}/tables`));
  }
  console.log(JSON.stringify(found));
} finally {
  bare.close();
  const ended = new Promise((done) => chromium.once('exit', done));
  chromium.kill();
  if (chromium.exitCode === null) await ended;
  // Its other processes may still write.
  rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
