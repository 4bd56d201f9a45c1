import { Link } from '@tanstack/react-router';
import { ArrowLeft, HeartPulse } from 'lucide-react';

import { ENDED } from '@/api/live';
import { ErrorState } from '@/components/common/ErrorState';
import { JobActions } from '@/components/common/job/JobActions';
import { JobKin } from '@/components/common/job/JobKin';
import { JobOutcome } from '@/components/common/job/JobOutcome';
import { JobProgress, JobState } from '@/components/common/job/JobState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Button } from '@/components/ui/button';
import { useJob } from '@/hooks/useJob';
import { words } from '@/lib/format';

import type { TabProps } from './tabs';

/** A job that was started from the panel: how far it is, then promise beside result, and the way back. */
export function JobPanel({
  id,
  name,
  catalog,
  show,
}: TabProps & { id: string; show: (job: string | undefined) => void }) {
  const { data: job, error, refetch, isPending } = useJob(id);
  if (error && !job) return <ErrorState error={error} title="The job can’t be shown" retry={() => void refetch()} />;
  if (isPending || job.id !== id) {
    return (
      <div className="card">
        <SkeletonRows rows={4} label="The job is being read" />
      </div>
    );
  }
  const ended = ENDED.includes(job.state);
  const title = job.undo_of ? `Undo` : words(job.operation);
  return (
    <Section
      title={title}
      aside={
        <span className="flex items-center gap-2">
          <JobState state={job.state} />
          <Link to="/jobs/$id" params={{ id }} className="text-xs text-muted-foreground hover:text-foreground">
            Job
          </Link>
        </span>
      }
    >
      <div className="space-y-4 p-4">
        <p className="text-muted-foreground">
          Asked for by {job.actor} <Ago at={job.timestamps.created_at} />
        </p>
        <JobKin job={job} />
        {ended ? <JobOutcome job={job} /> : <JobProgress job={job} />}
        <div className="flex flex-wrap items-center gap-2 border-t border-border pt-4">
          <JobActions job={job} undone={(undo) => show(undo.id)} />
          {ended && (
            <Button asChild variant="outline" size="sm">
              <Link to="/tables/$name/$tab" params={{ name, tab: 'overview' }} search={{ catalog }}>
                <HeartPulse /> See its health now
              </Link>
            </Button>
          )}
          <Button variant="ghost" size="sm" onClick={() => show(undefined)}>
            <ArrowLeft /> Back to the form
          </Button>
        </div>
      </div>
    </Section>
  );
}
