import type { InfiniteQueryExecuteOptions, QueryExecuteOptions, QueryKey } from '@tanstack/react-query';

import { configQuery } from '@/api/config';
import { oneJob } from '@/api/jobs';
import { filePages, historyPages, jobPages, partitionPages, refPages, snapshotPages } from '@/api/pages';
import { allOperations, allPlugins, onePlugin, pluginLog } from '@/api/plugins';
import { queryClient } from '@/api/queryClient';
import { sessionQuery } from '@/api/session';
import { tableHealth, tableRows, tableSchema, worstTables } from '@/api/tables';
import type { JobsSearch } from '@/components/jobs/search';
import type { Tab as PluginTab } from '@/components/plugins/tabs';
import { PANELS, type DetailSearch, type Tab } from '@/components/tables/tabs';

/*
 * What each page needs, code and answers, asked for at once while the page's own code is still coming: nothing waits for
 * what it does not need. The page itself asks for the same, and gets what is under way; what fails is told there.
 */

/** What has failed is asked again by its page, after the wait that the server named; what is there is old enough for the page to tell. */
function failed(queryKey: QueryKey): boolean {
  return queryClient.getQueryState(queryKey)?.status === 'error';
}

function ask<Q, E, D, K extends QueryKey>(options: QueryExecuteOptions<Q, E, D, Q, K>): Promise<unknown> {
  return failed(options.queryKey) ? Promise.resolve() : queryClient.query({ ...options, staleTime: 'static' });
}

function askPages<Q, E, D, K extends QueryKey, P>(
  options: InfiniteQueryExecuteOptions<Q, E, D, K, P>,
): Promise<unknown> {
  return failed(options.queryKey) ? Promise.resolve() : queryClient.infiniteQuery({ ...options, staleTime: 'static' });
}

function begin(...asked: Promise<unknown>[]) {
  for (const one of asked) one.catch(() => undefined);
}

/** Milliseconds in which most answers of a server nearby are there. What comes later has a skeleton, which else would flash. */
const SOON = 100;

/** Ends once it has come or failed, or soon: a page that comes with what it shows first is drawn once. */
function come(asked: Promise<unknown>): Promise<unknown> {
  return Promise.race([asked.catch(() => undefined), new Promise((done) => setTimeout(done, SOON))]);
}

const form = () => import('@/components/forms/SchemaForm');

/** Who is there. The tray asks for its jobs when it comes: once the page stands. */
export function frame() {
  return come(ask(sessionQuery));
}

export function tables(catalog: string | undefined) {
  begin(ask(configQuery));
  return come(ask(worstTables(catalog)));
}

const TABS: Record<Tab, (name: string, search: DetailSearch) => void> = {
  overview: () => begin(ask(allOperations), ask(allPlugins)),
  schema: (name, { catalog }) => begin(ask(tableSchema(name, catalog))),
  rows: (name, { catalog, snapshot }) => begin(ask(tableRows(name, catalog, snapshot))),
  snapshots: (name, { catalog }) =>
    begin(
      askPages(snapshotPages(name, catalog)),
      askPages(refPages(name, catalog)),
      import('@/components/charts/SeriesChart'),
    ),
  files: (name, { catalog }) => begin(askPages(filePages(name, catalog)), askPages(partitionPages(name, catalog))),
  operations: (_, { op, job: started }) => {
    begin(ask(allOperations));
    if (started) job(started);
    else if (op) begin(form());
  },
  history: (name, { catalog }) => begin(askPages(historyPages(name, catalog))),
};

/** Of a tab that is only pointed at, the code: its answers may be large, and nobody has asked for them. */
export function table(name: string, tab: Tab, search: DetailSearch, pointedAt: boolean) {
  begin(ask(tableHealth(name, search.catalog)));
  if (tab !== 'overview') begin(PANELS[tab]());
  if (!pointedAt) TABS[tab](name, search);
}

export function jobs({ state, op, table: of, catalog }: JobsSearch) {
  begin(askPages(jobPages({ state, operation: op, table: of, catalog })), ask(allOperations));
}

export function job(id: string) {
  begin(ask(oneJob(id)));
}

export function plugins() {
  begin(ask(allPlugins));
}

export function plugin(id: string, tab: PluginTab) {
  begin(ask(onePlugin(id)));
  if (tab === 'log') begin(ask(pluginLog(id)));
  if (tab === 'configuration') {
    begin(ask(configQuery), import('@/components/plugins/PluginConfig'), form());
  }
}
