import { Link, useNavigate } from '@tanstack/react-router';

import type { Schemas } from '@/api/client';
import { ENDED } from '@/api/live';
import { ErrorState } from '@/components/common/ErrorState';
import { JobActions } from '@/components/common/job/JobActions';
import { JobKin } from '@/components/common/job/JobKin';
import { JobOutcome } from '@/components/common/job/JobOutcome';
import { JobProgress, JobState } from '@/components/common/job/JobState';
import { PlanView } from '@/components/common/job/PlanView';
import { Page } from '@/components/common/Page';
import { Fact, Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { useJob } from '@/hooks/useJob';
import { duration, words } from '@/lib/format';

import { JobLog } from './JobLog';

type Job = Schemas['JobView'];

function Facts({ job }: { job: Job }) {
  const { created_at: asked, started_at: begun, ended_at: ended } = job.timestamps;
  return (
    <dl className="card mb-4 grid grid-cols-2 gap-x-6 gap-y-3 p-4 sm:grid-cols-3 lg:grid-cols-6">
      <Fact term="Table">
        <Link
          to="/tables/$name/$tab"
          params={{ name: job.table, tab: 'overview' }}
          search={{ catalog: job.catalog }}
          className="text-primary underline underline-offset-2"
          title={job.table}
        >
          {job.table}
        </Link>
      </Fact>
      <Fact term="Asked by">{job.actor}</Fact>
      <Fact term="Asked">
        <Ago at={asked} />
      </Fact>
      <Fact term="Waited">{begun ? duration(Date.parse(begun) - Date.parse(asked)) : '–'}</Fact>
      <Fact term="Took">{begun && ended ? duration(Date.parse(ended) - Date.parse(begun)) : '–'}</Fact>
      <Fact term="Plugin">
        <Link
          to="/plugins/$id/$tab"
          params={{ id: job.plugin.id, tab: 'overview' }}
          className="text-primary underline underline-offset-2"
          title={`digest ${job.plugin.digest}`}
        >
          {job.plugin.id} {job.plugin.version}
        </Link>
      </Fact>
    </dl>
  );
}

/** One job: how far it is, what was promised, what happened, and the way back. */
export function JobPage({ id }: { id: string }) {
  const { data, error, refetch } = useJob(id);
  const navigate = useNavigate();
  const job = data?.id === id ? data : undefined;
  const title = job ? `${job.undo_of ? 'Undo' : words(job.operation)} of ${job.table}` : 'Job';
  if (error && !job) {
    return (
      <Page title="Job">
        <ErrorState error={error} title="The job can’t be shown" retry={() => void refetch()} />
      </Page>
    );
  }
  if (!job) {
    return (
      <Page title="Job">
        <div className="card">
          <SkeletonRows rows={6} label="The job is being read" />
        </div>
      </Page>
    );
  }
  const ended = ENDED.includes(job.state);
  return (
    <Page
      title={title}
      actions={
        <span className="flex items-center gap-3">
          <JobState state={job.state} />
          <JobActions job={job} undone={(undo) => void navigate({ to: '/jobs/$id', params: { id: undo.id } })} />
        </span>
      }
    >
      <Facts job={job} />
      <JobKin job={job} className="mb-4" />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Section title={ended ? 'What happened' : 'How far it is'}>
          <div className="p-4">{ended ? <JobOutcome job={job} /> : <JobProgress job={job} />}</div>
        </Section>
        {job.plan && (
          <Section title="What was promised">
            <div className="p-4">
              <PlanView plan={job.plan} />
            </div>
          </Section>
        )}
      </div>
      <JobLog key={id} id={id} running={!ended} />
    </Page>
  );
}
