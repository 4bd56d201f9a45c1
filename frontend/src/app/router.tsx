import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, redirect } from '@tanstack/react-router';
import { Compass } from 'lucide-react';

import { api } from '@/api/client';
import { asProblem } from '@/api/problem';
import { queryClient } from '@/api/queryClient';
import { tableParams, worstTables } from '@/api/tables';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { PartFailed } from '@/components/common/Part';
import { STATES, type JobsSearch } from '@/components/jobs/search';
import { isTab as isPluginTab } from '@/components/plugins/tabs';
import type { ExplorerSearch } from '@/components/tables/TableExplorer';
import { isTab, type DetailSearch } from '@/components/tables/tabs';

import { Root } from './Root';

/** Text of the address; a number in it was read as one by the router. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

const root = createRootRoute({
  component: Root,
  notFoundComponent: () => (
    <EmptyState icon={Compass} title="There is no such page">
      The address may be mistyped.{' '}
      <Link to="/tables" className="text-primary underline underline-offset-2">
        All tables
      </Link>
    </EmptyState>
  ),
  errorComponent: ({ error, reset }) => (
    <div className="mx-auto max-w-2xl p-6">
      <ErrorState error={error} title="This page has failed" retry={reset} />
    </div>
  ),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/tables', replace: true });
  },
});

/** Asks while the page's code is still coming, so that neither waits for the other. What fails is told by the page. */
function begin(asked: Promise<unknown>) {
  asked.catch((error: unknown) => asProblem(error));
}

const tables = createRoute({
  getParentRoute: () => root,
  path: '/tables',
  validateSearch: (search): ExplorerSearch => ({
    q: word(search.q),
    ns: word(search.ns),
    sort: word(search.sort),
    catalog: word(search.catalog),
    level: (['bad', 'warn', 'good'] as const).find((one) => one === search.level),
    finding: word(search.finding),
  }),
  loaderDeps: ({ search: { catalog } }) => ({ catalog }),
  loader: ({ deps }) => begin(queryClient.query({ ...worstTables(deps.catalog), staleTime: 'static' })),
  component: lazyRouteComponent(() => import('./pages/tables'), 'TablesPage'),
});

const table = createRoute({
  getParentRoute: () => root,
  path: '/tables/$name',
  beforeLoad: ({ params, search }) => {
    throw redirect({ to: '/tables/$name/$tab', params: { ...params, tab: 'overview' }, search, replace: true });
  },
});

const tableTab = createRoute({
  getParentRoute: () => root,
  path: '/tables/$name/$tab',
  validateSearch: (search): DetailSearch => ({
    catalog: word(search.catalog),
    op: word(search.op),
    args: typeof search.args === 'object' ? JSON.stringify(search.args) : word(search.args),
    plan: search.plan === true ? true : undefined,
    snapshot: word(search.snapshot),
    job: word(search.job),
  }),
  beforeLoad: ({ params, search }) => {
    if (isTab(params.tab)) return;
    throw redirect({ to: '/tables/$name/$tab', params: { ...params, tab: 'overview' }, search, replace: true });
  },
  loaderDeps: ({ search: { catalog } }) => ({ catalog }),
  loader: ({ params, deps }) =>
    begin(
      queryClient.query({
        ...api.queryOptions('get', '/api/table/{name}/health', tableParams(params.name, deps.catalog)),
        staleTime: 'static',
      }),
    ),
  component: lazyRouteComponent(() => import('./pages/tables'), 'TablePage'),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: (search): JobsSearch => ({
    state: STATES.find((one) => one === search.state),
    table: word(search.table),
    catalog: word(search.catalog),
    op: word(search.op),
    newest: typeof search.newest === 'number' ? search.newest : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/jobs'), 'JobsPage'),
});

const job = createRoute({
  getParentRoute: () => root,
  path: '/jobs/$id',
  component: lazyRouteComponent(() => import('./pages/jobs'), 'JobPage'),
});

const plugins = createRoute({
  getParentRoute: () => root,
  path: '/plugins',
  component: lazyRouteComponent(() => import('./pages/plugins'), 'PluginsPage'),
});

const plugin = createRoute({
  getParentRoute: () => root,
  path: '/plugins/$id',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/plugins/$id/$tab', params: { ...params, tab: 'overview' }, replace: true });
  },
});

const pluginTab = createRoute({
  getParentRoute: () => root,
  path: '/plugins/$id/$tab',
  beforeLoad: ({ params }) => {
    if (isPluginTab(params.tab)) return;
    throw redirect({ to: '/plugins/$id/$tab', params: { ...params, tab: 'overview' }, replace: true });
  },
  component: lazyRouteComponent(() => import('./pages/plugins'), 'PluginPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([home, tables, table, tableTab, jobs, job, plugins, plugin, pluginTab]),
  // A page that fails leaves the frame around it; only a failure of the frame itself is the root's.
  defaultErrorComponent: PartFailed,
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
