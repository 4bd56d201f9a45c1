import type { InfiniteData } from '@tanstack/react-query';
import { linkOptions } from '@tanstack/react-router';

import { notify } from '@/lib/notices';

import { askAnew, queryClient } from './queryClient';
import { isRecord, number, text } from './shapes';
import type { Schemas } from './client';

type Job = Schemas['JobView'];
type Jobs = Schemas['Page_JobView'];
type Tables = Schemas['Page_TableItem'];

const PAUSE = 250;
const waiting = new Map<string, readonly unknown[]>();
let timer: ReturnType<typeof setTimeout> | null = null;

/** Asks anew for what is on screen under these keys; a burst of events asks once. */
function refresh(...keys: readonly unknown[][]) {
  for (const key of keys) waiting.set(JSON.stringify(key), key);
  timer ??= setTimeout(() => {
    timer = null;
    const due = [...waiting.values()];
    waiting.clear();
    for (const queryKey of due) void askAnew({ queryKey });
  }, PAUSE);
}

/** Everything that is told of one table. */
export function refreshTable(name: string) {
  refresh(['table', name], ['tables']);
  void askAnew({
    predicate: ({ queryKey: [, path, init] }) =>
      typeof path === 'string' && path.startsWith('/api/table/') && JSON.stringify(init).includes(JSON.stringify(name)),
  });
}

function isJob(value: unknown): value is Job {
  return isRecord(value) && 'operation' in value && 'progress' in value && 'state' in value;
}

/** Puts a job into every list and page that shows it. */
export function putJob(id: string, change: (job: Job) => Job) {
  queryClient.setQueriesData<Job>({ queryKey: ['get', '/api/jobs/{id}'] }, (job) =>
    job?.id === id ? change(job) : job,
  );
  const put = (page: Jobs): Jobs => {
    if (!page.items.some((job) => job.id === id)) return page;
    return { ...page, items: page.items.map((job) => (job.id === id ? change(job) : job)) };
  };
  // The page of jobs is read page by page; the tray asks for the newest alone.
  queryClient.setQueriesData<Jobs | InfiniteData<Jobs>>({ queryKey: ['get', '/api/jobs'] }, (jobs) => {
    if (!jobs) return jobs;
    return 'pages' in jobs ? { ...jobs, pages: jobs.pages.map(put) } : put(jobs);
  });
}

export const ENDED = ['succeeded', 'failed', 'cancelled'];

function jobChanged(job: Job) {
  putJob(job.id, () => job);
  // Others too: what one job did decides whether another can be undone.
  refresh(['get', '/api/jobs'], ['get', '/api/jobs/{id}']);
  if (!ENDED.includes(job.state)) return;
  refreshTable(job.table);
  notify({
    tone: job.state === 'succeeded' ? 'good' : 'bad',
    title: `${job.operation} of ${job.table} ${job.state === 'succeeded' ? 'is done' : job.state}`,
    ...(job.error && { detail: job.error.detail }),
    link: { ...linkOptions({ to: '/jobs/$id', params: { id: job.id } }), label: 'Compare' },
  });
}

function isProgress(value: unknown): value is Schemas['Progress'] {
  return isRecord(value) && 'done' in value && 'total' in value && 'unit' in value;
}

function judged(data: Record<string, unknown>) {
  const name = text(data.table);
  const score = number(data.score);
  if (score === null) return;
  const worst = isRecord(data.worst)
    ? { code: text(data.worst.code), severity: text(data.worst.severity), title: text(data.worst.title) }
    : null;
  const put = (page: Tables): Tables => {
    const at = page.items.findIndex((table) => table.name === name && table.catalog === data.catalog);
    const table = page.items[at];
    if (!table) return page;
    const items = [...page.items];
    items[at] = { ...table, health: { score, worst, stale: false, as_of: new Date().toISOString() } };
    return { ...page, items };
  };
  queryClient.setQueriesData<Tables>({ queryKey: ['tables', 'worst'] }, (page) => page && put(page));
  queryClient.setQueriesData<InfiniteData<Tables>>(
    { queryKey: ['tables', 'all'] },
    (all) => all && { ...all, pages: all.pages.map(put) },
  );
  // The figures of a row come with the list; the event tells the score alone.
  refresh(['tables', 'worst']);
  const shown = queryClient.getQueriesData<Schemas['Report']>({ queryKey: ['get', '/api/table/{name}/health'] });
  for (const [queryKey, report] of shown) {
    if (report?.table === name && (report.stale || report.score !== score)) void askAnew({ queryKey });
  }
}

/** Steps in a plugin's life after which other plugins answer, or other values. */
const CHANGES = ['active', 'draining', 'gone', 'configured', 'quarantined', 'rolled-back', 'disabled', 'enabled'];

function pluginChanged(data: Record<string, unknown>) {
  const id = text(data.id);
  refresh(['get', '/api/plugins'], ['get', '/api/plugins/{id}']);
  if (CHANGES.includes(text(data.state))) {
    refresh(['get', '/api/operations'], ['get', '/api/table/{name}/health'], ['tables', 'worst']);
  }
  const version = text(data.version);
  const link = { ...linkOptions({ to: '/plugins/$id/$tab', params: { id, tab: 'overview' } }), label: 'Show' };
  if (data.state === 'active') notify({ tone: 'info', title: `${id} ${version} serves now`, link });
  if (data.state === 'draining' && data.serves === false) {
    const detail = 'What it offered is off until it is back. Open forms keep what was typed.';
    notify({ tone: 'info', title: `${id} serves no more`, detail, link: { to: '/plugins', label: 'Show' } });
  }
  if (data.state === 'refused') {
    notify({ tone: 'bad', title: `${id} was refused`, detail: text(data.detail), link });
  }
  if (data.state === 'quarantined') {
    notify({ tone: 'bad', title: `${id} ${version} failed too often`, detail: text(data.detail), link });
  }
  if (data.state === 'rolled-back') notify({ tone: 'info', title: `${id} ${version} serves again`, link });
}

/** Takes over what an event tells. */
export function take(kind: string, body: unknown) {
  if (kind === 'lost') {
    void askAnew();
    return;
  }
  const data = isRecord(body) ? body.data : null;
  if (!isRecord(data)) return;
  if (kind === 'job.changed' && isJob(data)) jobChanged(data);
  if (kind === 'job.progressed') {
    const { progress } = data;
    if (isProgress(progress)) putJob(text(data.id), (job) => ({ ...job, progress }));
  }
  if (kind === 'table.judged') judged(data);
  if (kind === 'plugin.changed') pluginChanged(data);
  if (kind === 'config.changed') refresh(['get', '/api/config'], ['get', '/api/plugins/{id}']);
}
