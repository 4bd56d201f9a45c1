import { Ban, CircleAlert, CircleCheck, Clock, LoaderCircle } from 'lucide-react';

import { Badge, type Tone } from '@/components/ui/badge';
import { Progress } from '@/components/ui/progress';
import type { Schemas } from '@/api/client';
import { count } from '@/lib/format';

const STATES: Record<string, [Tone, typeof Clock]> = {
  queued: ['plain', Clock],
  running: ['info', LoaderCircle],
  succeeded: ['good', CircleCheck],
  failed: ['bad', CircleAlert],
  cancelled: ['warn', Ban],
};

export function JobState({ state }: { state: string }) {
  const [tone, Icon] = STATES[state] ?? ['plain', Clock];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className={state === 'running' ? 'animate-spin' : undefined} />
      {state}
    </Badge>
  );
}

/** How far a job is; an own line of fixed height, so that nothing moves when it begins. */
export function JobProgress({ job }: { job: Schemas['JobView'] }) {
  const { done, total, unit } = job.progress;
  const known = job.state === 'running' && total > 0;
  return (
    <div className="flex h-5 items-center gap-3">
      <Progress value={known ? done : null} max={total} label={`Progress of ${job.operation} on ${job.table}`} />
      <span className="shrink-0 text-xs text-muted-foreground tabular-nums">
        {job.state === 'queued'
          ? 'waits for its table'
          : known
            ? `${count(done)} of ${count(total)} ${unit}`
            : 'starting'}
      </span>
    </div>
  );
}
