import { useNavigate, useRouter } from '@tanstack/react-router';
import { Search, TableProperties } from 'lucide-react';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';

import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Page } from '@/components/common/Page';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/input';
import { useIdle } from '@/hooks/useIdle';
import { count, plural } from '@/lib/format';
import { splitName } from '@/lib/tableName';

import { CatalogSelect } from './CatalogSelect';
import { NamespaceSelect } from './NamespaceSelect';
import type { Level } from './HealthIndicator';
import { NamespaceTree } from './NamespaceTree';
import { StateFilter } from './StateFilter';
import { choose, inState, namespacePath, readOrder, writeOrder } from './tableList';
import { TableRows } from './TableRows';
import { useTables } from './useTables';

const PAUSE = 250;

export interface ExplorerSearch {
  /** Words that the name holds. */
  q?: string | undefined;
  /** Namespace, dotted. */
  ns?: string | undefined;
  /** Column, `-` in front for the other way round. */
  sort?: string | undefined;
  catalog?: string | undefined;
  /** How the tables are. */
  level?: Level | undefined;
  /** Code of their worst finding. */
  finding?: string | undefined;
}

/** All tables: namespaces as a tree, and a list that can be searched and sorted. What is chosen stands in the address. */
export function TableExplorer({ q = '', ns = '', sort, catalog, level, finding }: ExplorerSearch) {
  const { tables, reading, isPending, error, retry } = useTables(catalog);
  const navigate = useNavigate({ from: '/tables' });
  const router = useRouter();
  const stands = useIdle();
  const [typed, setTyped] = useState(q);
  const sought = useDeferredValue(typed);
  const input = useRef<HTMLInputElement>(null);

  // The address follows what is typed once there is a pause; going back in it fills the field again.
  const written = useRef(q);
  useEffect(() => {
    if (q === written.current) return;
    written.current = q;
    setTyped(q);
  }, [q]);
  useEffect(() => {
    if (typed === written.current) return undefined;
    const timer = setTimeout(() => {
      // Who has gone on to a table whose code is still coming is not called back.
      if (router.latestLocation.pathname !== '/tables') return;
      written.current = typed;
      void navigate({ search: (before) => ({ ...before, q: typed || undefined }), replace: true });
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [typed, navigate, router]);

  const order = useMemo(() => readOrder(sort), [sort]);
  const namespace = ns && namespacePath(splitName(ns));
  const fitting = useMemo(() => choose(tables, namespace, sought, order), [tables, namespace, sought, order]);
  const chosen = useMemo(() => inState(fitting, { level, finding }), [fitting, level, finding]);
  // What is sought may be among those that are still coming.
  const awaited = isPending || (reading && chosen.length === 0);
  const lead = isPending
    ? ' '
    : `${plural(tables.length, 'table')}${reading ? ' so far, reading on …' : ''}, the worst first unless you sort`;

  return (
    <Page
      title="Tables"
      lead={lead}
      actions={
        <div className="relative w-full sm:w-80">
          <Search
            aria-hidden
            className="pointer-events-none absolute top-2.5 left-2.5 size-3.5 text-muted-foreground"
          />
          <Input
            ref={input}
            type="search"
            data-search
            aria-label="Search tables"
            placeholder="Search tables  ( / )"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            className="pl-8"
          />
        </div>
      }
    >
      {error && <ErrorState error={error} title="The tables can’t be listed" retry={retry} className="mb-4" />}
      <div className="mb-3 lg:hidden">
        <CatalogSelect chosen={catalog} />
        <NamespaceSelect tables={tables} chosen={namespace} />
      </div>
      <div className="grid items-start gap-5 lg:grid-cols-[13.5rem_minmax(0,1fr)]">
        <div className="max-lg:hidden lg:sticky lg:top-18 lg:flex lg:h-[calc(100dvh-9rem)] lg:flex-col">
          <CatalogSelect chosen={catalog} />
          {stands && <NamespaceTree tables={tables} chosen={namespace} total={tables.length} />}
        </div>
        <div className="min-w-0">
          <StateFilter tables={fitting} level={level} finding={finding} />
          <div className="card">
            {awaited && !error && <SkeletonRows rows={10} height={52} label="The tables are being listed" />}
            {!awaited && chosen.length > 0 && (
              <TableRows
                tables={chosen}
                order={order}
                sortBy={(next) =>
                  void navigate({ search: (before) => ({ ...before, sort: writeOrder(next) }), replace: true })
                }
                catalog={catalog}
              />
            )}
            {!awaited && chosen.length === 0 && !error && (
              <EmptyState icon={TableProperties} title={tables.length > 0 ? 'No table fits' : 'No tables yet'}>
                {tables.length > 0 ? (
                  <>
                    None of {count(tables.length)} tables{ns && ` in ${ns}`} holds “{sought}”
                    {(level ?? finding) && ' in this state'}.{' '}
                    <Button variant="link" size="inline" onClick={() => void navigate({ search: { sort, catalog } })}>
                      Show all
                    </Button>
                  </>
                ) : (
                  <>
                    Make the sample lakehouse with <code>drls demo</code>, or name a catalog in <code>config.json</code>
                    .
                  </>
                )}
              </EmptyState>
            )}
          </div>
        </div>
      </div>
    </Page>
  );
}
