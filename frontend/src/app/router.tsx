import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, redirect } from '@tanstack/react-router';
import { Compass } from 'lucide-react';

import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Page } from '@/components/common/Page';
import { PartFailed } from '@/components/common/Part';
import { STATES, type JobsSearch } from '@/components/jobs/search';
import { isTab as isPluginTab } from '@/components/plugins/tabs';
import type { ExplorerSearch } from '@/components/tables/TableExplorer';
import { isTab, type DetailSearch } from '@/components/tables/tabs';

import * as ahead from './ahead';
// Where most people come in: with the entry, not in a file that would be asked for after it.
import { TablesPage } from './pages/tables';
import { Root } from './Root';

/** Text of the address; a number in it was read as one by the router. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

const root = createRootRoute({
  loader: () => ahead.frame(),
  component: Root,
  notFoundComponent: () => (
    <Page title="There is no such page">
      <div className="card">
        <EmptyState icon={Compass} title="Nothing is at this address">
          It may be mistyped.{' '}
          <Link to="/tables" className="text-primary underline underline-offset-2">
            All tables
          </Link>
        </EmptyState>
      </div>
    </Page>
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
  loader: ({ deps }) => ahead.tables(deps.catalog),
  component: TablesPage,
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
  loaderDeps: ({ search: { catalog, snapshot, op, job } }) => ({ catalog, snapshot, op, job }),
  loader: ({ params: { name, tab }, deps, preload }) => {
    if (isTab(tab)) ahead.table(name, tab, deps, preload);
  },
  component: lazyRouteComponent(() => import('./pages/table'), 'TablePage'),
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
  loaderDeps: ({ search: { state, table: of, catalog, op } }) => ({ state, table: of, catalog, op }),
  loader: ({ deps }) => ahead.jobs(deps),
  component: lazyRouteComponent(() => import('./pages/jobs'), 'JobsPage'),
});

const job = createRoute({
  getParentRoute: () => root,
  path: '/jobs/$id',
  loader: ({ params }) => ahead.job(params.id),
  component: lazyRouteComponent(() => import('./pages/jobs'), 'JobPage'),
});

const plugins = createRoute({
  getParentRoute: () => root,
  path: '/plugins',
  loader: () => ahead.plugins(),
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
  loader: ({ params: { id, tab } }) => {
    if (isPluginTab(tab)) ahead.plugin(id, tab);
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
