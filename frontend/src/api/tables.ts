import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';

import { api, client, type Schemas } from './client';

export type TableItem = Schemas['TableItem'];

/** The first screen, and the most that one page may hold. */
const FIRST = 200;
const PAGE = 1000;

/**
 * The worst tables, in one request: what people look for first, and all there is in a small lakehouse. Asked for by
 * public/early.js already where the first page is this one.
 */
export function worstTables(catalog: string | undefined) {
  return queryOptions({
    queryKey: ['tables', 'worst', catalog ?? null],
    queryFn: async ({ signal }) => {
      const query = { sort: 'score' as const, limit: FIRST, ...(catalog && { catalog }) };
      const { data } = await client.GET('/api/tables', { params: { query }, signal });
      return data ?? { items: [], next: null };
    },
  });
}

/** Every table by name, page after page; asked for only where the first screen did not hold them all. */
export function allTables(catalog: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['tables', 'all', catalog ?? null],
    initialPageParam: '',
    getNextPageParam: (page: Schemas['Page_TableItem']) => page.next ?? undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = {
        sort: 'name' as const,
        limit: PAGE,
        ...(catalog && { catalog }),
        ...(pageParam && { cursor: pageParam }),
      };
      const { data } = await client.GET('/api/tables', { params: { query }, signal });
      return data ?? { items: [], next: null };
    },
  });
}

/** How a table is addressed by the routes below `/api/table/{name}/`. */
export function tableParams(name: string, catalog: string | undefined) {
  return { params: { path: { name }, query: catalog ? { catalog } : {} } };
}

/** The report on a table: its score, findings and figures. */
export function tableHealth(name: string, catalog: string | undefined) {
  return api.queryOptions('get', '/api/table/{name}/health', tableParams(name, catalog));
}

export function tableSchema(name: string, catalog: string | undefined) {
  return api.queryOptions('get', '/api/table/{name}/schema', tableParams(name, catalog));
}

/** The most rows that the server shows. */
export const MOST_ROWS = 100;

/** Some rows of a table, as it is now or as it was at a snapshot. */
export function tableRows(name: string, catalog: string | undefined, snapshot: string | undefined) {
  return api.queryOptions('get', '/api/table/{name}/preview', {
    params: {
      path: { name },
      query: { limit: MOST_ROWS, ...(catalog && { catalog }), ...(snapshot && { snapshot_id: snapshot }) },
    },
  });
}
