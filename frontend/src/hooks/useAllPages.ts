import { useInfiniteQuery, type UseInfiniteQueryOptions, type InfiniteData } from '@tanstack/react-query';
import { useEffect } from 'react';

/** Reads a paged list on and on, up to `most` items where not all are needed. After a failure it waits for a retry. */
export function useAllPages<T>(
  options: UseInfiniteQueryOptions<
    { items: T[]; next?: string | null },
    Error,
    InfiniteData<{ items: T[]; next?: string | null }>,
    (string | null)[],
    string
  >,
  most = Infinity,
) {
  const pages = useInfiniteQuery(options);
  const { hasNextPage, isFetching, isError, fetchNextPage } = pages;
  const read = pages.data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0;
  useEffect(() => {
    if (hasNextPage && read < most && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, read, most, isFetching, isError, fetchNextPage]);
  return pages;
}
