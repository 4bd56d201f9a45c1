import { Link } from '@tanstack/react-router';

import type { Schemas } from '@/api/client';
import { cn } from '@/lib/cn';

/** The job that this one takes back, the one that takes it back, or why there is none: with links. */
export function JobKin({ job, className }: { job: Schemas['JobView']; className?: string }) {
  const { undo_of: of, undone_by: by, undoable, plan } = job;
  const to = (id: string, words: string) => (
    <Link
      to="/jobs/$id"
      params={{ id }}
      className="relative z-10 inline-block py-1 text-primary underline underline-offset-2"
    >
      {words}
    </Link>
  );
  const reason = job.state === 'succeeded' && plan && plan.steps.length > 0 && undoable.reason;
  if (!of && !by && !reason) return null;
  return (
    <p className={cn('break-words text-muted-foreground', className)}>
      {of && <>It takes back {to(of, 'an earlier job')}. </>}
      {by && <>It was taken back by {to(by, 'a later job')}, or is being taken back.</>}
      {!by &&
        reason &&
        (undoable.now === false
          ? `It can’t be undone: ${reason}.`
          : `Whether it can be undone is not known: ${reason}.`)}
    </p>
  );
}
