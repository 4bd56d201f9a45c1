import { infiniteQueryOptions } from '@tanstack/react-query';

import { client, type Schemas } from './client';
import { asProblem } from './problem';
import { queryClient } from './queryClient';
import type { paths } from './schema';

interface Page<T> {
  items: T[];
  next?: string | null;
}

interface Paging {
  limit: number;
  cursor?: string;
}

/** A list below `/api/table/{name}/` that is read page by page. A cursor that went stale begins the list anew. */
function paged<T>(
  what: string,
  name: string,
  catalog: string | undefined,
  limit: number,
  read: (query: Paging & { catalog?: string }, signal: AbortSignal) => Promise<Page<T> | undefined>,
) {
  const queryKey = ['table', name, catalog ?? null, what];
  return infiniteQueryOptions({
    queryKey,
    initialPageParam: '',
    getNextPageParam: (page: Page<T>) => page.next ?? undefined,
    queryFn: async ({ pageParam, signal }): Promise<Page<T>> => {
      try {
        const query = { limit, ...(catalog && { catalog }), ...(pageParam && { cursor: pageParam }) };
        return (await read(query, signal)) ?? { items: [], next: null };
      } catch (error) {
        if (asProblem(error).code === 'cursor-stale') void queryClient.resetQueries({ queryKey });
        throw error;
      }
    },
  });
}

export function snapshotPages(name: string, catalog: string | undefined) {
  return paged<Schemas['SnapshotItem']>('snapshots', name, catalog, 1000, async (query, signal) => {
    const { data } = await client.GET('/api/table/{name}/snapshots', { params: { path: { name }, query }, signal });
    return data;
  });
}

export function filePages(name: string, catalog: string | undefined) {
  return paged<Schemas['FileItem']>('files', name, catalog, 200, async (query, signal) => {
    const { data } = await client.GET('/api/table/{name}/files', { params: { path: { name }, query }, signal });
    return data;
  });
}

export function partitionPages(name: string, catalog: string | undefined) {
  return paged<Schemas['PartitionItem']>('partitions', name, catalog, 1000, async (query, signal) => {
    const { data } = await client.GET('/api/table/{name}/partitions', { params: { path: { name }, query }, signal });
    return data;
  });
}

export function historyPages(name: string, catalog: string | undefined) {
  return paged<Schemas['HistoryItem']>('history', name, catalog, 100, async (query, signal) => {
    const { data } = await client.GET('/api/table/{name}/history', { params: { path: { name }, query }, signal });
    return data;
  });
}

export function refPages(name: string, catalog: string | undefined) {
  return paged<Schemas['RefItem']>('refs', name, catalog, 1000, async (query, signal) => {
    const { data } = await client.GET('/api/table/{name}/refs', { params: { path: { name }, query }, signal });
    return data;
  });
}

type JobsQuery = NonNullable<paths['/api/jobs']['get']['parameters']['query']>;

/** Jobs, newest first. */
export function jobPages(which: Pick<JobsQuery, 'state' | 'operation' | 'table' | 'catalog'>) {
  return infiniteQueryOptions({
    queryKey: ['get', '/api/jobs', 'pages', which],
    initialPageParam: '',
    getNextPageParam: (page: Schemas['Page_JobView']) => page.next ?? undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 100, ...which, ...(pageParam && { cursor: pageParam }) };
      const { data } = await client.GET('/api/jobs', { params: { query }, signal });
      return data ?? { items: [], next: null };
    },
  });
}
