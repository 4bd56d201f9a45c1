import { Link } from '@tanstack/react-router';
import { Puzzle } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Page } from '@/components/common/Page';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago, Count } from '@/components/common/Values';
import { useApi } from '@/hooks/useApi';
import { micros, plural } from '@/lib/format';

import { kindText, PluginState } from './PluginState';

type Plugin = Schemas['PluginItem'];

export function failures(plugin: Plugin): number {
  return Object.values(plugin.failures).reduce((sum, one) => sum + one, 0);
}

function Row({ plugin }: { plugin: Plugin }) {
  const failed = failures(plugin);
  return (
    <tr className="relative border-b border-border last:border-0 hover:bg-accent/60">
      <th scope="row" className="py-2 pr-3 pl-4 text-left font-normal">
        <Link
          to="/plugins/$id/$tab"
          params={{ id: plugin.id, tab: 'overview' }}
          preload="intent"
          className="font-medium fills-row"
        >
          {plugin.title ?? plugin.id}
        </Link>
        <span className="block truncate text-xs text-muted-foreground">
          {plugin.id} · {plugin.kinds.map(kindText).join(', ')}
        </span>
        {plugin.error && (
          <span className="line-clamp-2 text-xs break-words text-bad" title={plugin.error.slice(0, 2000)}>
            {plugin.error.slice(0, 400)}
          </span>
        )}
      </th>
      <td className="px-3 py-2">
        <PluginState plugin={plugin} />
      </td>
      <td className="px-3 py-2 tabular-nums max-sm:hidden">{plugin.version ?? '–'}</td>
      <td className="px-3 py-2 text-right max-md:hidden">
        <Count value={plugin.calls} />
      </td>
      <td className="px-3 py-2 text-right max-md:hidden">
        {failed > 0 ? (
          <span className="font-medium text-bad">{failed}</span>
        ) : (
          <span className="text-muted-foreground">0</span>
        )}
      </td>
      <td className="px-3 py-2 text-right tabular-nums max-lg:hidden">
        {plugin.p50_us == null ? '–' : micros(plugin.p50_us)}
      </td>
      <td className="px-3 py-2 text-right tabular-nums max-lg:hidden">
        {plugin.p99_us == null ? '–' : micros(plugin.p99_us)}
      </td>
      <td className="py-2 pr-4 pl-3 text-right max-md:hidden">
        <Ago at={plugin.loaded_at} />
      </td>
    </tr>
  );
}

const HEAD = 'px-3 py-2 font-medium';

/** What is plugged in: state, version and figures of each. Follows the folder without a reload. */
export function PluginsPage() {
  const plugins = useApi('get', '/api/plugins');
  const items = plugins.data?.items ?? [];
  const wrong = items.filter((one) => one.error !== null && one.error !== undefined).length;
  return (
    <Page
      title="Plugins"
      lead={
        plugins.data
          ? `${plural(items.length, 'plugin')}${wrong > 0 ? `, ${wrong} with something to look at` : ', all well'}`
          : ' '
      }
    >
      {plugins.isError && (
        <ErrorState
          error={plugins.error}
          title="The plugins can’t be listed"
          retry={() => void plugins.refetch()}
          className="mb-4"
        />
      )}
      <div className="card overflow-hidden">
        {plugins.isPending && <SkeletonRows rows={12} height={53} label="The plugins are being listed" />}
        {plugins.data && items.length === 0 && (
          <EmptyState icon={Puzzle} title="Nothing is plugged in">
            Copy a component into the <code>plugins</code> folder of the home; it is verified, tested and here in a
            moment. <code>make build</code> makes fifteen.
          </EmptyState>
        )}
        {items.length > 0 && (
          <table className="w-full text-left">
            <thead>
              <tr className="border-b border-border text-xs text-muted-foreground">
                <th scope="col" className="py-2 pr-3 pl-4 font-medium">
                  Plugin
                </th>
                <th scope="col" className={HEAD}>
                  State
                </th>
                <th scope="col" className={`${HEAD} max-sm:hidden`}>
                  Version
                </th>
                <th scope="col" className={`${HEAD} text-right max-md:hidden`}>
                  Calls
                </th>
                <th scope="col" className={`${HEAD} text-right max-md:hidden`}>
                  Failed
                </th>
                <th scope="col" className={`${HEAD} text-right max-lg:hidden`}>
                  Median
                </th>
                <th scope="col" className={`${HEAD} text-right max-lg:hidden`}>
                  99th percentile
                </th>
                <th scope="col" className={`${HEAD} pr-4 text-right max-md:hidden`}>
                  Loaded
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((plugin) => (
                <Row key={plugin.id} plugin={plugin} />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Page>
  );
}
