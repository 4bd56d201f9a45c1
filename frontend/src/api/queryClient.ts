import { keepPreviousData, QueryClient } from '@tanstack/react-query';

import { asProblem } from './problem';

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
      retryDelay: (attempt) => 400 * 2 ** attempt,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
