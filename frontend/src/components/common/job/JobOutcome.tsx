import { CircleCheck } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { compare } from '@/lib/effects';

/** What a job did beside what its plan promised, and why where it failed. */
export function JobOutcome({ job }: { job: Schemas['JobView'] }) {
  const rows = compare(job.plan?.effect ?? {}, job.result ?? {});
  return (
    <div className="space-y-3">
      {job.error && (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 break-words">
          <code className="mr-2 text-xs text-bad">{job.error.code}</code>
          {job.error.detail}
        </p>
      )}
      {job.result && rows.length > 0 && (
        <table className="w-full text-left">
          <thead>
            <tr className="border-b border-border text-xs text-muted-foreground">
              <th scope="col" className="py-1.5 pr-3 font-medium">
                Figure
              </th>
              {job.plan && (
                <th scope="col" className="py-1.5 pr-3 text-right font-medium">
                  Promised
                </th>
              )}
              <th scope="col" className="py-1.5 text-right font-medium">
                Happened
              </th>
              <th scope="col" className="w-8">
                <span className="sr-only">Kept</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.label} className="border-b border-border last:border-0">
                <th scope="row" className="py-1.5 pr-3 font-normal">
                  {row.label}
                </th>
                {job.plan && (
                  <td className="py-1.5 pr-3 text-right text-muted-foreground tabular-nums">{row.promised}</td>
                )}
                <td className="py-1.5 text-right font-medium tabular-nums">{row.happened}</td>
                <td className="py-1.5 pl-2">
                  {row.kept && job.plan && <CircleCheck aria-label="as promised" className="size-4 text-good" />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {job.state === 'succeeded' && rows.length === 0 && (
        <p className="text-muted-foreground">Done; there were no figures to count.</p>
      )}
    </div>
  );
}
