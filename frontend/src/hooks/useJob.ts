import { ENDED } from '@/api/live';
import { connection } from '@/lib/connection';

import { useApi } from './useApi';

/** A job. The live feed keeps it fresh; without the feed it is asked for every two seconds until it has ended. */
export function useJob(id: string) {
  return useApi(
    'get',
    '/api/jobs/{id}',
    { params: { path: { id } } },
    {
      refetchInterval: (query) =>
        connection.get().live || ENDED.includes(query.state.data?.state ?? '') ? false : 2000,
    },
  );
}
