import { Link, useNavigate } from '@tanstack/react-router';
import { ListChecks } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { ENDED } from '@/api/live';
import { jobPages } from '@/api/pages';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { JobActions } from '@/components/common/job/JobActions';
import { JobProgress, JobState } from '@/components/common/job/JobState';
import { Page } from '@/components/common/Page';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Button } from '@/components/ui/button';
import { useAllPages } from '@/hooks/useAllPages';
import { count, duration, words } from '@/lib/format';

import { OperationSelect } from './OperationSelect';
import { STATES, type JobsSearch } from './search';

/** So many more are listed at a time. */
const STEP = 100;

function took({ timestamps: { started_at: from, ended_at: to } }: Schemas['JobView']): string {
  return from && to ? duration(Date.parse(to) - Date.parse(from)) : '';
}

/** Promise beside result in one line: "399 → 13 files". */
function outcome(job: Schemas['JobView']): string {
  const { files_before: before, files_after: after, snapshots_removed: removed } = job.result ?? {};
  if (job.error) return job.error.detail;
  if (before != null && after != null && before !== after) return `${before} → ${after} files`;
  if (removed) return `${removed} snapshots removed`;
  return '';
}

function Row({ job }: { job: Schemas['JobView'] }) {
  const ended = ENDED.includes(job.state);
  return (
    <li className="relative grid min-h-14 grid-cols-[6.5rem_minmax(0,1fr)_auto] items-center gap-x-4 border-b max-sm:grid-cols-[minmax(0,1fr)_auto] border-border px-4 py-2 last:border-0 hover:bg-accent/60">
      <span className="max-sm:col-span-2 max-sm:mb-1">
        <JobState state={job.state} />
      </span>
      <div className="min-w-0">
        <p className="truncate" title={job.table}>
          <Link to="/jobs/$id" params={{ id: job.id }} className="font-medium fills-row">
            {job.undo_of ? 'Undo' : words(job.operation)}
          </Link>{' '}
          <span className="text-muted-foreground">of</span> {job.table}
        </p>
        {job.undone_by && (
          <p className="truncate text-[0.8125rem]">
            <Link
              to="/jobs/$id"
              params={{ id: job.undone_by }}
              className="relative z-10 inline-block py-1 text-primary underline underline-offset-2"
            >
              Undone by a later job
            </Link>
          </p>
        )}
        {ended ? (
          <p className="truncate text-[0.8125rem] text-muted-foreground" title={outcome(job)}>
            {outcome(job) || ' '}
          </p>
        ) : (
          <JobProgress job={job} />
        )}
      </div>
      <div className="flex items-center gap-4 text-right text-[0.8125rem] text-muted-foreground">
        <span className="w-16 tabular-nums max-md:hidden">{took(job)}</span>
        <span className="w-24 truncate max-md:hidden">{job.actor}</span>
        <span className="w-28 max-sm:hidden">
          <Ago at={job.timestamps.created_at} />
        </span>
        <span className="relative z-10 w-20 max-sm:w-auto">
          <JobActions job={job} />
        </span>
      </div>
    </li>
  );
}

/** All jobs, newest first, as they are now. */
export function JobsPage({ state, table, catalog, op, newest = STEP }: JobsSearch) {
  const jobs = useAllPages(jobPages({ state, operation: op, table, catalog }), newest);
  const navigate = useNavigate({ from: '/jobs' });
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const older = () =>
    void navigate({ search: (before) => ({ ...before, newest: newest + STEP }), replace: true, resetScroll: false });
  const narrowed = state ?? table ?? op;
  return (
    <Page
      title="Jobs"
      lead={table ? `of ${table}` : 'What was asked of tables, and what came of it'}
      actions={
        <nav aria-label="State" className="flex flex-wrap items-center gap-1">
          <OperationSelect chosen={op} />
          {[undefined, ...STATES].map((one) => (
            <Button key={one ?? 'all'} asChild variant={one === state ? 'secondary' : 'ghost'} size="sm">
              <Link
                to="/jobs"
                search={{ state: one, table, catalog, op }}
                aria-current={one === state ? 'true' : undefined}
              >
                {one ? words(one) : 'All'}
              </Link>
            </Button>
          ))}
        </nav>
      }
    >
      {jobs.isError && (
        <ErrorState
          error={jobs.error}
          title="The jobs can’t be listed"
          retry={() => void jobs.refetch()}
          className="mb-4"
        />
      )}
      <div className="card">
        {jobs.isPending && <SkeletonRows rows={8} height={56} label="The jobs are being listed" />}
        {jobs.data && items.length === 0 && (
          <EmptyState icon={ListChecks} title={narrowed ? 'No job fits' : 'No jobs yet'}>
            {narrowed ? (
              <Link to="/jobs" className="text-primary underline underline-offset-2">
                Show all
              </Link>
            ) : (
              <>
                Open a{' '}
                <Link to="/tables" className="text-primary underline underline-offset-2">
                  table
                </Link>{' '}
                and run the remedy of a finding; it then stands here.
              </>
            )}
          </EmptyState>
        )}
        <ol>
          {items.map((job) => (
            <Row key={job.id} job={job} />
          ))}
        </ol>
        {jobs.hasNextPage && (
          <div className="border-t border-border p-3">
            <span className="mr-3 text-muted-foreground">The newest {count(items.length)} are listed.</span>
            <Button variant="outline" size="sm" disabled={jobs.isFetching} onClick={older}>
              Show older
            </Button>
          </div>
        )}
      </div>
    </Page>
  );
}
