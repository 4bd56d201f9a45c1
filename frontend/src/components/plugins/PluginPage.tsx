import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronRight, Unplug } from 'lucide-react';
import { lazy } from 'react';

import { onePlugin } from '@/api/plugins';
import { asProblem } from '@/api/problem';
import { ErrorState } from '@/components/common/ErrorState';
import { Page, useTitle } from '@/components/common/Page';
import { Part } from '@/components/common/Part';
import { SkeletonRows } from '@/components/common/Skeleton';
import { TAB, TabBar } from '@/components/common/TabBar';
import { words } from '@/lib/format';

import { PluginLog } from './PluginLog';
import { PluginOverview } from './PluginOverview';
import { kindText, PluginState } from './PluginState';
import { TABS, type Tab } from './tabs';

const PluginConfig = lazy(() => import('./PluginConfig'));

/** One plugin, tab by tab. */
export function PluginPage({ id, tab }: { id: string; tab: Tab }) {
  const answer = useQuery(onePlugin(id));
  const plugin = answer.data?.id === id ? answer.data : undefined;
  useTitle(`${plugin?.title ?? id} · ${words(tab)}`);
  if (answer.isError && !plugin) {
    return (
      <Page title="Plugin">
        <ErrorState error={answer.error} title="The plugin can’t be shown" retry={() => void answer.refetch()} />
      </Page>
    );
  }
  return (
    <div className="mx-auto w-full max-w-[96rem] px-4 py-4 sm:px-6">
      <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-[0.8125rem] text-muted-foreground">
        <Link to="/plugins" className="hover:text-foreground">
          Plugins
        </Link>
        <ChevronRight aria-hidden className="size-3.5" />
        <span>{id}</span>
      </nav>
      <div className="mt-2 flex min-h-8 flex-wrap items-center gap-3">
        <h1 className="text-xl font-semibold tracking-tight">{plugin?.title ?? id}</h1>
        {plugin && (
          <>
            <PluginState plugin={plugin} />
            <span className="text-muted-foreground">
              {plugin.version} · {plugin.kinds.map(kindText).join(', ')}
            </span>
          </>
        )}
      </div>
      <TabBar label="Parts of the plugin" current={tab}>
        {TABS.map((one) => (
          <Link
            key={one}
            to="/plugins/$id/$tab"
            params={{ id, tab: one }}
            aria-current={one === tab ? 'page' : undefined}
            className={TAB}
          >
            {words(one)}
          </Link>
        ))}
      </TabBar>
      {plugin && answer.error && asProblem(answer.error).status === 404 && (
        <p role="status" className="mb-4 flex items-center gap-2 rounded-md bg-warn-soft px-3 py-2">
          <Unplug aria-hidden className="size-4 shrink-0 text-warn" />
          Its file was taken out of the plugins folder. What stands here is how it was; put the file back to have it
          serve again.
        </p>
      )}
      {!plugin && (
        <div className="card">
          <SkeletonRows rows={6} label="The plugin is being read" />
        </div>
      )}
      {plugin && tab === 'overview' && <PluginOverview plugin={plugin} />}
      {plugin && tab === 'log' && <PluginLog id={id} dropped={plugin.log_lines_dropped} />}
      {plugin && tab === 'configuration' && (
        <Part of={id} fallback={<SkeletonRows rows={5} label="The form is being drawn" />}>
          <PluginConfig key={id} plugin={plugin} />
        </Part>
      )}
    </div>
  );
}
