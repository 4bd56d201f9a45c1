import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';

import { allTables, worstTables, type TableItem } from '@/api/tables';
import { useIdle } from '@/hooks/useIdle';

/** All tables of a catalog. The rest is asked for once the first answer is on screen. */
export function useTables(catalog: string | undefined) {
  const worst = useQuery(worstTables(catalog));
  const stands = useIdle();
  const rest = useInfiniteQuery({ ...allTables(catalog), enabled: stands && typeof worst.data?.next === 'string' });
  const { hasNextPage, isFetching, isError, fetchNextPage } = rest;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);

  const tables = useMemo(() => {
    if (!rest.data) return worst.data?.items ?? [];
    const byName = new Map<string, TableItem>();
    for (const page of rest.data.pages) for (const table of page.items) byName.set(table.name, table);
    // Only as long as their own page has not come: that one is newer.
    if (hasNextPage)
      for (const table of worst.data?.items ?? []) if (!byName.has(table.name)) byName.set(table.name, table);
    return [...byName.values()];
  }, [rest.data, worst.data, hasNextPage]);

  return {
    tables,
    /** More are still coming. */
    reading: Boolean(worst.data?.next) && (rest.isPending || hasNextPage),
    isPending: worst.isPending,
    error: worst.error ?? rest.error,
    retry: () => {
      void worst.refetch();
      if (rest.isError) void rest.refetch();
    },
  };
}
