import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { newestJobs, runningJobs, TRAY_SHOWS } from '@/api/jobs';
import { ENDED } from '@/api/live';
import { JobProgress, JobState } from '@/components/common/job/JobState';
import { Ago } from '@/components/common/Values';
import { Popover, PopoverContent, PopoverTrigger } from '@/components/ui/popover';
import { count, words } from '@/lib/format';

import { TrayButton } from './TrayButton';

/** So many that run are listed at most. */
const LISTED = 25;

/** What runs, and what ended lately. */
export function JobsTray({ open, setOpen }: { open: boolean; setOpen: (open: boolean) => void }) {
  const newest = useQuery(newestJobs);
  const asked = useQuery(runningJobs);
  // Those that the feed has ended since stay until the list is asked for anew.
  const active = asked.data?.items.filter((job) => !ENDED.includes(job.state)) ?? [];
  const more = Boolean(asked.data?.next);
  const ended = newest.data?.items.filter((job) => ENDED.includes(job.state)) ?? [];
  const shown = [...active.slice(0, LISTED), ...ended].slice(0, Math.max(TRAY_SHOWS, Math.min(active.length, LISTED)));
  return (
    <Popover open={open} onOpenChange={setOpen}>
      <PopoverTrigger asChild>
        <TrayButton {...(active.length > 0 && { running: `${count(active.length)}${more ? '+' : ''}` })} />
      </PopoverTrigger>
      <PopoverContent aria-label="Jobs">
        {shown.length === 0 && (
          <p className="p-4 text-muted-foreground">No jobs yet. They stand here while they run.</p>
        )}
        <ol>
          {shown.map((job) => (
            <li key={job.id} className="relative border-b border-border px-4 py-2.5 hover:bg-accent/60">
              <div className="flex items-center justify-between gap-3">
                <Link
                  to="/jobs/$id"
                  params={{ id: job.id }}
                  onClick={() => setOpen(false)}
                  className="min-w-0 truncate fills-row"
                >
                  <span className="font-medium">{job.undo_of ? 'Undo' : words(job.operation)}</span>{' '}
                  <span className="text-muted-foreground">{job.table}</span>
                </Link>
                <JobState state={job.state} />
              </div>
              {ENDED.includes(job.state) ? (
                <p className="mt-0.5 text-xs text-muted-foreground">
                  <Ago at={job.timestamps.ended_at} />
                </p>
              ) : (
                <JobProgress job={job} />
              )}
            </li>
          ))}
        </ol>
        <p className="px-4 py-2.5">
          <Link to="/jobs" onClick={() => setOpen(false)} className="text-primary underline underline-offset-2">
            All jobs
          </Link>
        </p>
      </PopoverContent>
    </Popover>
  );
}
