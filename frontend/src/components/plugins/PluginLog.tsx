import { useQuery } from '@tanstack/react-query';
import { ScrollText } from 'lucide-react';

import { LOG_LINES, pluginLog } from '@/api/plugins';
import { ClampedText } from '@/components/common/ClampedText';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { count } from '@/lib/format';

const TONES: Record<string, Tone> = { error: 'bad', warn: 'warn', info: 'info' };

/** What the plugin wrote, newest first. It is text of others: shown as it is, never run. */
export function PluginLog({ id, dropped }: { id: string; dropped: number }) {
  const log = useQuery({ ...pluginLog(id), refetchInterval: 5000 });
  const lines = log.data?.items.toReversed() ?? [];
  if (log.isError && !log.data)
    return <ErrorState error={log.error} title="The log can’t be shown" retry={() => void log.refetch()} />;
  return (
    <Section
      title="Log"
      aside={
        <span className="text-xs text-muted-foreground">
          {lines.length === LOG_LINES && `the newest ${count(LOG_LINES)} lines; older ones may exist`}
          {dropped > 0 && <span className="ml-3 text-warn">{count(dropped)} lines came too fast and were dropped</span>}
        </span>
      }
    >
      {log.isPending && <SkeletonRows rows={6} height={32} label="The log is being read" />}
      {log.data && lines.length === 0 && (
        <EmptyState icon={ScrollText} title="It has logged nothing">
          Lines that the plugin writes with <code>log</code> stand here, newest first.
        </EmptyState>
      )}
      <ol>
        {lines.map((line, at) => (
          <li key={at} className="flex gap-3 border-b border-border px-4 py-1.5 text-[0.8125rem] last:border-0">
            <Badge tone={TONES[String(line.level)] ?? 'plain'} className="h-fit w-14 justify-center">
              {String(line.level)}
            </Badge>
            <span className="min-w-0 grow font-mono">
              <ClampedText text={line.message} />
            </span>
            <span className="shrink-0 text-muted-foreground max-sm:hidden">{line.version}</span>
            <span className="w-24 shrink-0 text-right text-muted-foreground">
              <Ago at={line.at} />
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}
