import { useInfiniteQuery, type InfiniteData, type UseInfiniteQueryOptions } from '@tanstack/react-query';
import { useEffect } from 'react';

interface Page<T> {
  items: T[];
  next?: string | null;
}

/** Reads a paged list on and on, up to `most` items where not all are needed. After a failure it waits for a retry. */
export function useAllPages<T, K extends readonly unknown[]>(
  options: UseInfiniteQueryOptions<Page<T>, Error, InfiniteData<Page<T>>, K, string>,
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
