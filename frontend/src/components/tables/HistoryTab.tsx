import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { History } from 'lucide-react';

import { historyPages } from '@/api/pages';
import { isRecord, text } from '@/api/shapes';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Button } from '@/components/ui/button';
import type { Schemas } from '@/api/client';
import { words } from '@/lib/format';

import type { TabProps } from './tabs';

/** Rows of undos that stand, by the job that they undo. Newer rows are read first, so none is missing. */
function undos(rows: Schemas['HistoryItem'][]): Map<string, string> {
  const ended = new Set<string>();
  const found = new Map<string, string>();
  for (const row of rows) {
    const detail: Record<string, unknown> = { ...row.detail };
    const job = text(detail.job);
    if (row.action === 'job.failed' || row.action === 'job.cancelled') ended.add(job);
    const of = text(detail.undo_of);
    if (of && !ended.has(job)) found.set(of, job);
  }
  return found;
}

function Row({ row, undoneBy }: { row: Schemas['HistoryItem']; undoneBy: string | undefined }) {
  const detail: Record<string, unknown> = { ...row.detail };
  const plugin = isRecord(detail.plugin) ? detail.plugin : null;
  const job = text(detail.job) || text(detail.job_id) || text(detail.id);
  const undoOf = text(detail.undo_of);
  const links = [
    { id: job, words: 'Show the job' },
    { id: undoOf, words: 'Show the job that it undoes' },
    { id: undoneBy, words: 'Undone: show by which job' },
  ];
  return (
    <li className="grid grid-cols-[8.5rem_minmax(0,1fr)] gap-x-4 border-b border-border px-4 py-2.5 last:border-0 max-sm:grid-cols-1">
      <span className="text-muted-foreground">
        <Ago at={row.at} />
      </span>
      <div className="min-w-0">
        <p>
          <span className="font-medium">{words(row.action)}</span> <span className="text-muted-foreground">by</span>{' '}
          {row.actor}
          {plugin && (
            <span className="text-muted-foreground" title={`digest ${text(plugin.digest)}`}>
              {' '}
              with {text(plugin.id)} {text(plugin.version)}, digest{' '}
              <code className="text-xs">{text(plugin.digest).slice(0, 12)}</code>
            </span>
          )}
        </p>
        <details className="mt-0.5 text-[0.8125rem]">
          <summary className="w-fit py-1 text-muted-foreground hover:text-foreground">
            No. {row.seq}
            {job && ' · particulars'}
          </summary>
          <pre className="mt-1 max-h-64 overflow-auto rounded-md bg-muted p-3 text-xs break-all whitespace-pre-wrap">
            {JSON.stringify(row.detail, null, 2)}
          </pre>
        </details>
        <p className="flex flex-wrap gap-x-4">
          {links.map(
            ({ id, words: said }) =>
              id && (
                <Link
                  key={said}
                  to="/jobs/$id"
                  params={{ id }}
                  className="py-1 text-[0.8125rem] text-primary hover:underline"
                >
                  {said}
                </Link>
              ),
          )}
        </p>
      </div>
    </li>
  );
}

/** The audit rows of the table: who did what, when, by which plugin. */
export default function HistoryTab({ name, catalog }: TabProps) {
  const pages = useInfiniteQuery(historyPages(name, catalog));
  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const undone = undos(rows);
  const failure = pages.isError && (
    <ErrorState error={pages.error} title="The history can’t be read" retry={() => void pages.refetch()} />
  );
  if (failure && !pages.data) return failure;
  return (
    <Section
      title="What was done to this table"
      aside={
        <Link
          to="/jobs"
          search={{ table: name, catalog }}
          className="text-xs text-primary underline underline-offset-2"
        >
          Jobs of this table
        </Link>
      }
    >
      {failure}
      {pages.isPending && <SkeletonRows rows={5} height={56} label="The history is being read" />}
      {!pages.isPending && rows.length === 0 && (
        <EmptyState icon={History} title="Nothing was done here yet">
          Every operation that is run on this table is written down here, with who ran it and by which plugin.
        </EmptyState>
      )}
      <ol>
        {rows.map((row) => (
          <Row
            key={row.seq}
            row={row}
            undoneBy={row.action.startsWith('table.') ? undone.get(text({ ...row.detail }.job)) : undefined}
          />
        ))}
      </ol>
      {pages.hasNextPage && (
        <div className="border-t border-border p-3">
          <Button variant="outline" size="sm" disabled={pages.isFetching} onClick={() => void pages.fetchNextPage()}>
            Show older
          </Button>
        </div>
      )}
    </Section>
  );
}
