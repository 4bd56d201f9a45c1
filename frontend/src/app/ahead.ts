import { configQuery } from '@/api/config';
import { newestJobs, oneJob, runningJobs } from '@/api/jobs';
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

/** What is there already is good enough here: the page asks anew where it is old. */
const ONCE = { staleTime: 'static' } as const;

function begin(...asked: Promise<unknown>[]) {
  for (const one of asked) one.catch(() => undefined);
}

const form = () => import('@/components/forms/SchemaForm');

/** Who is there, and what stands in the frame of every page. */
export function frame() {
  begin(
    queryClient.query({ ...sessionQuery, ...ONCE }),
    queryClient.query({ ...newestJobs, ...ONCE }),
    queryClient.query({ ...runningJobs, ...ONCE }),
  );
}

export function tables(catalog: string | undefined) {
  begin(queryClient.query({ ...worstTables(catalog), ...ONCE }), queryClient.query({ ...configQuery, ...ONCE }));
}

const TABS: Record<Tab, (name: string, search: DetailSearch) => void> = {
  overview: () =>
    begin(queryClient.query({ ...allOperations, ...ONCE }), queryClient.query({ ...allPlugins, ...ONCE })),
  schema: (name, { catalog }) => begin(queryClient.query({ ...tableSchema(name, catalog), ...ONCE })),
  rows: (name, { catalog, snapshot }) => begin(queryClient.query({ ...tableRows(name, catalog, snapshot), ...ONCE })),
  snapshots: (name, { catalog }) =>
    begin(
      queryClient.infiniteQuery({ ...snapshotPages(name, catalog), ...ONCE }),
      queryClient.infiniteQuery({ ...refPages(name, catalog), ...ONCE }),
      import('@/components/charts/SeriesChart'),
    ),
  files: (name, { catalog }) =>
    begin(
      queryClient.infiniteQuery({ ...filePages(name, catalog), ...ONCE }),
      queryClient.infiniteQuery({ ...partitionPages(name, catalog), ...ONCE }),
    ),
  operations: (_, { op, job: started }) => {
    begin(queryClient.query({ ...allOperations, ...ONCE }));
    if (started) job(started);
    else if (op) begin(form());
  },
  history: (name, { catalog }) => begin(queryClient.infiniteQuery({ ...historyPages(name, catalog), ...ONCE })),
};

/** Of a tab that is only pointed at, the code: its answers may be large, and nobody has asked for them. */
export function table(name: string, tab: Tab, search: DetailSearch, pointedAt: boolean) {
  begin(queryClient.query({ ...tableHealth(name, search.catalog), ...ONCE }));
  if (tab !== 'overview') begin(PANELS[tab]());
  if (!pointedAt) TABS[tab](name, search);
}

export function jobs({ state, op, table: of, catalog }: JobsSearch) {
  begin(
    queryClient.infiniteQuery({ ...jobPages({ state, operation: op, table: of, catalog }), ...ONCE }),
    queryClient.query({ ...allOperations, ...ONCE }),
  );
}

export function job(id: string) {
  begin(queryClient.query({ ...oneJob(id), ...ONCE }));
}

export function plugins() {
  begin(queryClient.query({ ...allPlugins, ...ONCE }));
}

export function plugin(id: string, tab: PluginTab) {
  begin(queryClient.query({ ...onePlugin(id), ...ONCE }));
  if (tab === 'log') begin(queryClient.query({ ...pluginLog(id), ...ONCE }));
  if (tab === 'configuration') {
    begin(queryClient.query({ ...configQuery, ...ONCE }), import('@/components/plugins/PluginConfig'), form());
  }
}
