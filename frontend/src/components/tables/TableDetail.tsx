import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { lazy, useMemo } from 'react';

import { tableHealth } from '@/api/tables';
import { CopyButton } from '@/components/common/CopyButton';
import { useTitle } from '@/components/common/Page';
import { Part } from '@/components/common/Part';
import { SkeletonRows } from '@/components/common/Skeleton';
import { TAB, TabBar } from '@/components/common/TabBar';
import { Bytes, Count } from '@/components/common/Values';
import { useKeys } from '@/hooks/useKeys';
import { isRecord, number } from '@/api/shapes';
import { words } from '@/lib/format';
import { joinName, splitName } from '@/lib/tableName';

import { HealthRing } from './HealthIndicator';
import { OverviewTab } from './OverviewTab';
import { PANELS, TABS, type DetailSearch, type Tab } from './tabs';

const LAZY = {
  schema: lazy(PANELS.schema),
  rows: lazy(PANELS.rows),
  snapshots: lazy(PANELS.snapshots),
  files: lazy(PANELS.files),
  operations: lazy(PANELS.operations),
  history: lazy(PANELS.history),
};

function Facts({ totals }: { totals: unknown }) {
  const facts = isRecord(totals) ? totals : {};
  return (
    <span className="flex h-5 flex-wrap gap-x-4 max-sm:h-10 max-sm:content-start overflow-hidden text-muted-foreground">
      {isRecord(totals) && (
        <>
          <Bytes value={number(facts.data_bytes)} />
          <span>
            <Count value={number(facts.data_files)} /> files
          </span>
          <span>
            <Count value={number(facts.records)} /> rows
          </span>
          {number(facts.delete_files) ? (
            <span>
              <Count value={number(facts.delete_files)} /> delete files
            </span>
          ) : null}
        </>
      )}
    </span>
  );
}

/** One table, tab by tab. Each tab has its own address. */
export function TableDetail({ name, tab, ...search }: { name: string; tab: Tab } & DetailSearch) {
  const { catalog } = search;
  const health = useQuery(tableHealth(name, catalog));
  const navigate = useNavigate();
  const parts = splitName(name);
  const report = health.data?.table === name ? health.data : undefined;
  useTitle(`${parts.at(-1) ?? name} · ${words(tab)}`);
  const keys = useMemo(() => {
    const step = (by: number) => () => {
      const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length] ?? 'overview';
      void navigate({ to: '/tables/$name/$tab', params: { name, tab: next }, search: { catalog } });
    };
    return { '[': step(-1), ']': step(1) };
  }, [navigate, tab, name, catalog]);
  useKeys(keys);
  const Panel = tab === 'overview' ? null : LAZY[tab];

  return (
    <div className="mx-auto w-full max-w-[96rem] px-4 py-4 sm:px-6">
      <nav aria-label="Breadcrumb" className="flex min-w-0 items-center gap-1 text-[0.8125rem] text-muted-foreground">
        <Link to="/tables" search={{ catalog }} className="hover:text-foreground">
          {catalog ? `Tables of ${catalog}` : 'Tables'}
        </Link>
        {parts.slice(0, -1).map((part, at) => (
          <span key={at} className="flex min-w-0 items-center gap-1">
            <ChevronRight aria-hidden className="size-3.5 shrink-0" />
            <Link
              to="/tables"
              search={{ ns: joinName(parts.slice(0, at + 1)), catalog }}
              className="truncate hover:text-foreground"
            >
              {part}
            </Link>
          </span>
        ))}
      </nav>
      <div className="mt-2 flex items-center gap-4">
        {report || health.isError ? (
          <HealthRing score={report?.score ?? null} />
        ) : (
          <div className="skeleton size-16 shrink-0 !rounded-full" />
        )}
        <div className="min-w-0">
          <h1 className="flex items-center gap-1 text-xl font-semibold tracking-tight">
            <span className="truncate" title={name}>
              {parts.at(-1)}
            </span>
            <CopyButton text={name} label="Copy the table’s full name" />
          </h1>
          <Facts totals={report?.facts && isRecord(report.facts) ? Reflect.get(report.facts, 'totals') : null} />
        </div>
      </div>
      <TabBar label="Parts of the table" current={tab}>
        {TABS.map((one) => (
          <Link
            key={one}
            to="/tables/$name/$tab"
            params={{ name, tab: one }}
            search={{ catalog }}
            preload="intent"
            aria-current={one === tab ? 'page' : undefined}
            className={TAB}
          >
            {words(one)}
          </Link>
        ))}
      </TabBar>
      {Panel === null ? (
        <OverviewTab name={name} catalog={catalog} health={health} />
      ) : (
        <Part of={`${name} ${tab}`} fallback={<SkeletonRows rows={8} label="The page is being read" />}>
          <Panel key={name} name={name} {...search} catalog={catalog} />
        </Part>
      )}
    </div>
  );
}
