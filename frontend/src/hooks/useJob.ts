import { useQuery } from '@tanstack/react-query';

import { oneJob } from '@/api/jobs';
import { ENDED } from '@/api/live';
import { connection } from '@/lib/connection';

/** A job. The live feed keeps it fresh; without the feed it is asked for every two seconds until it has ended. */
export function useJob(id: string) {
  return useQuery({
    ...oneJob(id),
    refetchInterval: (query) => (connection.get().live || ENDED.includes(query.state.data?.state ?? '') ? false : 2000),
  });
}
