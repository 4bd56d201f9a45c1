import { QueryObserver } from '@tanstack/react-query';
import { delay, http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

/** What stands between the console and its server may answer as no server of ours does; so this one is not ours. */
const ORIGIN = 'http://console.test';
const server = setupServer();

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterAll(() => server.close());
beforeEach(() => vi.stubGlobal('window', { location: { origin: ORIGIN } }));
afterEach(() => {
  server.resetHandlers();
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** The client as a page has it, with what it told of answers. */
async function page() {
  const { client, onAnswer } = await import('@/api/client');
  const { askAnew, queryClient } = await import('@/api/queryClient');
  const { allPlugins } = await import('@/api/plugins');
  const statuses: number[] = [];
  onAnswer(({ status }) => statuses.push(status));
  const ask = (signal?: AbortSignal) => client.GET('/api/plugins', { ...(signal && { signal }) });
  /** As the page does that shows them; answers how to leave it. */
  const open = () => new QueryObserver(queryClient, allPlugins).subscribe(() => undefined);
  return { ask, statuses, query: () => queryClient.query(allPlugins), open, askAnew };
}

const plugins = (...answers: (() => Response | Promise<Response>)[]) => {
  let asked = 0;
  server.use(
    http.get(`${ORIGIN}/api/plugins`, () => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      return answer?.();
    }),
  );
  return () => asked;
};

const problem = (status: number, headers: Record<string, string> = {}) =>
  HttpResponse.json(
    { type: 'about:blank', title: 'x', status, code: 'overloaded', detail: 'too much', errors: [], request_id: '01-x' },
    { status, headers },
  );
const list = () => HttpResponse.json({ items: [] });

test('a problem is thrown with all that it tells, and with the wait that was asked for', async () => {
  plugins(() => problem(503, { 'retry-after': '7' }));
  const { ask, statuses } = await page();
  await expect(ask()).rejects.toMatchObject({
    status: 503,
    code: 'overloaded',
    message: 'too much',
    requestId: '01-x',
    retryAfter: 7,
    passes: true,
  });
  expect(statuses).toEqual([503]);
});

test('what failed while its page was coming is told there and not asked twice, unless there is a reason to', async () => {
  const asked = plugins(() => problem(404));
  const { query, open, askAnew } = await page();
  await expect(query()).rejects.toMatchObject({ status: 404 });
  const leave = open();
  await delay(50);
  expect(asked()).toBe(1);
  leave();
  await askAnew();
  const close = open();
  await vi.waitFor(() => expect(asked()).toBe(2));
  // On screen it is asked again by itself.
  await askAnew();
  expect(asked()).toBe(3);
  close();
});

test('a 503 that names its wait is not asked again before it; one that names none is, twice', async () => {
  const named = plugins(() => problem(503, { 'retry-after': '7' }));
  const { query } = await page();
  await expect(query()).rejects.toMatchObject({ retryAfter: 7 });
  expect(named()).toBe(1);
  const bare = plugins(
    () => problem(503),
    () => problem(503),
    list,
  );
  expect(await query()).toEqual({ items: [] });
  expect(bare()).toBe(3);
});

test('a wait that is told as a date is no number, and counts as none', async () => {
  plugins(() => problem(503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }));
  const { ask } = await page();
  await expect(ask()).rejects.toMatchObject({ status: 503, retryAfter: null });
});

test('an error page of a proxy is told by its status, with the request’s id where one is given', async () => {
  plugins(() => HttpResponse.html('<h1>Bad gateway</h1>', { status: 502, headers: { 'x-request-id': 'p-1' } }));
  const { ask } = await page();
  await expect(ask()).rejects.toMatchObject({
    status: 502,
    code: 'no-problem-body',
    message: 'the server answered 502 without saying why',
    requestId: 'p-1',
  });
});

test('a page that comes where data was asked for is no data, and no mistake of the console', async () => {
  const asked = plugins(() => HttpResponse.html('<form>Sign in to the network</form>'));
  const { ask, query } = await page();
  await expect(ask()).rejects.toMatchObject({ status: 200, code: 'foreign-answer' });
  await expect(query()).rejects.toMatchObject({ code: 'foreign-answer' });
  expect(asked(), 'asking again changes nothing').toBe(2);
});

test('an answer that breaks off in the middle is no answer, and is asked for again', async () => {
  const half = () =>
    new HttpResponse(
      new ReadableStream({
        start(stream) {
          stream.enqueue(new TextEncoder().encode('{"items": ['));
          setTimeout(() => stream.error(new TypeError('terminated')), 20);
        },
      }),
      { headers: { 'content-type': 'application/json' } },
    );
  plugins(half);
  const { ask, statuses, query } = await page();
  await expect(ask()).rejects.toMatchObject({ status: 0, code: 'no-answer' });
  expect(statuses).toEqual([0]);
  plugins(half, list);
  expect(await query()).toEqual({ items: [] });
});

test('an answer without a body is an answer', async () => {
  server.use(http.delete(`${ORIGIN}/api/session`, () => new HttpResponse(null, { status: 204 })));
  const { client } = await import('@/api/client');
  await expect(client.DELETE('/api/session')).resolves.toMatchObject({ response: { status: 204 } });
  plugins(() => new HttpResponse(null, { status: 502 }));
  const { ask } = await page();
  await expect(ask()).rejects.toMatchObject({ status: 502, code: 'no-problem-body' });
});

test('no answer at all is told as such', async () => {
  plugins(() => HttpResponse.error());
  const { ask, statuses } = await page();
  await expect(ask()).rejects.toMatchObject({ status: 0, code: 'no-answer', passes: true });
  expect(statuses).toEqual([0]);
});

test('a slow answer is waited for, and one that nobody wants any more is not told as none', async () => {
  plugins(async () => {
    await delay(300);
    return list();
  });
  const { ask, statuses } = await page();
  expect((await ask()).data).toEqual({ items: [] });
  const left = new AbortController();
  const asked = ask(left.signal);
  setTimeout(() => left.abort(), 30);
  await expect(asked).rejects.toThrow();
  expect(statuses).toEqual([200]);
});
