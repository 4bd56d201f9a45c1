import { getRouteApi } from '@tanstack/react-router';

import { JobPage as Job } from '@/components/jobs/JobPage';
import { JobsPage as Jobs } from '@/components/jobs/JobsPage';

const jobs = getRouteApi('/jobs');
const job = getRouteApi('/jobs/$id');

export function JobsPage() {
  return <Jobs {...jobs.useSearch()} />;
}

export function JobPage() {
  return <Job {...job.useParams()} />;
}
