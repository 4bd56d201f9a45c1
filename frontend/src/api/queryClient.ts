import { keepPreviousData, notifyManager, QueryClient, type Query, type QueryFilters } from '@tanstack/react-query';

import { asProblem } from './problem';

/** Seconds in which a failure is still an answer to the page that opens. */
const JUST_NOW = 5;

/** When there was a reason last to ask anew, by milliseconds since the epoch. TanStack Query tells none from a failure. */
const outdated = new WeakMap<Query, number>();

/** Whether it has failed less than the wait ago that the server named, or than `seconds` where it named none. */
function failedWithin({ state: { status, error, errorUpdatedAt } }: Query, seconds: number): boolean {
  return status === 'error' && Date.now() < errorUpdatedAt + (asProblem(error).retryAfter ?? seconds) * 1000;
}

// An answer is on screen by the task that brought it, not after whatever else waits its turn.
notifyManager.setScheduler(queueMicrotask);

/** Answers are kept for five minutes and trusted for half of one; the live feed says earlier what has changed. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 300_000,
      refetchOnWindowFocus: false,
      // A server on this machine is there without any network.
      networkMode: 'always',
      placeholderData: keepPreviousData,
      retry: (failures, error) => {
        const problem = asProblem(error);
        return problem.passes && problem.retryAfter === null && failures < 2;
      },
      // What failed while its page was still coming is told there and not asked twice.
      retryOnMount: (query) =>
        !failedWithin(query, (outdated.get(query) ?? 0) < query.state.errorUpdatedAt ? JUST_NOW : 0),
      retryDelay: (attempt) => 400 * 2 ** attempt,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});

const awaited = new WeakSet<Query>();

/**
 * Asks anew for what is on screen. A first answer that is still on its way may be older than the reason to ask: it is
 * awaited and asked for again, which TanStack Query does not do by itself. Where the server named a wait, that goes first.
 */
export async function askAnew(filters: QueryFilters = {}): Promise<void> {
  const meant = queryClient.getQueryCache().findAll(filters);
  for (const query of meant) outdated.set(query, Date.now());
  const first = meant.filter(
    (query) => query.state.fetchStatus === 'fetching' && query.state.data === undefined && !awaited.has(query),
  );
  await Promise.all([
    queryClient.invalidateQueries({
      ...filters,
      predicate: (query) => !failedWithin(query, 0) && (filters.predicate?.(query) ?? true),
    }),
    ...first.map(async (query) => {
      awaited.add(query);
      await query.promise?.catch(() => undefined);
      awaited.delete(query);
      if (failedWithin(query, 0)) return;
      outdated.set(query, Date.now());
      await queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }),
  ]);
}
