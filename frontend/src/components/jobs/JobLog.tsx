import { ChevronRight } from 'lucide-react';
import { useState } from 'react';

import { ClampedText } from '@/components/common/ClampedText';
import { ErrorState } from '@/components/common/ErrorState';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import type { Schemas } from '@/api/client';
import { useApi } from '@/hooks/useApi';

const TONES: Record<Schemas['JobLogLine']['level'], Tone> = {
  error: 'bad',
  warn: 'warn',
  info: 'info',
  debug: 'plain',
};

function Lines({ id, running }: { id: string; running: boolean }) {
  const log = useApi(
    'get',
    '/api/jobs/{id}/log',
    { params: { path: { id } } },
    { refetchInterval: running ? 2000 : false, staleTime: running ? 2000 : 0 },
  );
  if (log.isError && !log.data) {
    return <ErrorState error={log.error} title="The log can’t be shown" retry={() => void log.refetch()} />;
  }
  if (!log.data) return <SkeletonRows rows={4} height={32} label="The log is being read" />;
  return (
    <ol>
      {log.data.items.map((line, at) => (
        <li key={at} className="flex gap-3 border-b border-border px-4 py-1.5 text-[0.8125rem] last:border-0">
          <Badge tone={TONES[line.level]} className="h-fit w-14 justify-center">
            {line.level}
          </Badge>
          <span className="w-12 shrink-0 text-muted-foreground">{line.source}</span>
          <span className="min-w-0 grow break-words">
            <ClampedText text={line.text} />
          </span>
          <span className="w-24 shrink-0 text-right text-muted-foreground max-sm:hidden">
            <Ago at={line.at} />
          </span>
        </li>
      ))}
    </ol>
  );
}

/** What was said while the job ran, read once somebody wants to. It is text of others: shown as it is, never run. */
export function JobLog({ id, running }: { id: string; running: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="group card mt-4" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex cursor-pointer items-center gap-2 px-4 py-3 font-medium">
        <ChevronRight aria-hidden className="size-4 text-muted-foreground group-open:rotate-90" />
        Log
        <span className="text-xs font-normal text-muted-foreground">of the plugin, the job and Spark, in words</span>
      </summary>
      {open && (
        <div className="border-t border-border">
          {/* Another one once it has ended, which reads the last lines. */}
          <Lines key={String(running)} id={id} running={running} />
        </div>
      )}
    </details>
  );
}
