import { CircleAlert, RotateCw } from 'lucide-react';
import { useEffect, useState } from 'react';

import { asProblem, type ApiProblem } from '@/api/problem';
import { Button } from '@/components/ui/button';
import { cn } from '@/lib/cn';

import { CopyButton } from './CopyButton';

/** What a person can do about a problem, where its own words do not say. */
function advice(problem: ApiProblem): string {
  if (problem.code === 'part-missing') return 'A newer console is served: reload the page.';
  if (problem.code === 'console-failed') return 'This is a mistake of the console itself; a reload may mend it.';
  if (problem.code === 'foreign-answer')
    return 'Something between this browser and the server has answered instead, such as a proxy that wants a sign-in: reload the page.';
  switch (problem.status) {
    case 0:
      return 'See whether `drls serve` still runs. This page goes on by itself when it does.';
    case 403:
      return 'Ask an admin for a role that may, or sign in as somebody else.';
    case 404:
      return 'It may have been dropped or renamed since the page was opened.';
    case 409:
    case 412:
      return 'Somebody else changed it in between. Look at it as it is now and try again.';
    case 503:
      return 'The server has too much to do or is not ready yet.';
    default:
      return problem.status >= 500 ? 'The server’s log says more under the request id.' : '';
  }
}

/** Counts the seconds down that the server asked to wait, then asks again. */
function Waiting({ seconds, retry }: { seconds: number; retry: () => void }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const timer = setTimeout(() => (left <= 1 ? retry() : setLeft(left - 1)), 1000);
    return () => clearTimeout(timer);
  }, [left, retry]);
  return <span className="text-muted-foreground">Tries again in {left} s.</span>;
}

interface ErrorStateProps {
  error: unknown;
  /** What was to be done, as "The table can’t be shown". */
  title: string;
  retry?: () => void;
  className?: string;
}

/** What went wrong, what to do, and the id under which the log has it. */
export function ErrorState({ error, title, retry, className }: ErrorStateProps) {
  const problem = asProblem(error);
  const missing = problem.code === 'part-missing';
  return (
    <div role="alert" className={cn('card flex gap-3 border-bad/35 p-4', className)}>
      <CircleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-bad" />
      <div className="min-w-0 space-y-1.5">
        <p className="font-medium">{title}</p>
        <p className="break-words">{problem.message}</p>
        {problem.errors.length > 0 && (
          <ul className="list-disc pl-4">
            {problem.errors.map((one) => (
              <li key={one.pointer + one.detail}>
                {one.pointer && <code className="mr-1 text-xs">{one.pointer}</code>}
                {one.detail}
              </li>
            ))}
          </ul>
        )}
        <p className="text-muted-foreground">{advice(problem)}</p>
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          {retry && (
            <Button variant="outline" size="sm" onClick={missing ? () => window.location.reload() : retry}>
              <RotateCw /> {missing ? 'Reload' : 'Try again'}
            </Button>
          )}
          {retry && problem.retryAfter !== null && <Waiting seconds={problem.retryAfter} retry={retry} />}
          {problem.requestId && (
            <span className="flex min-w-0 items-center gap-1 text-xs text-muted-foreground">
              request <code className="min-w-0 break-all">{problem.requestId}</code>
              <CopyButton text={problem.requestId} label="Copy the request id" />
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
