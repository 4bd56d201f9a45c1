import { GitCommitHorizontal } from 'lucide-react';
import { lazy, useMemo, useState } from 'react';

import { refPages, snapshotPages } from '@/api/pages';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Part } from '@/components/common/Part';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { useAllPages } from '@/hooks/useAllPages';
import { useWalk } from '@/hooks/useWalk';
import { minute, plural } from '@/lib/format';

import { SnapshotDialog } from './SnapshotDialog';
import { graph, type Snapshot } from './snapshotGraph';
import { MOST_LANES, ROW, SnapshotRow } from './SnapshotRow';
import type { TabProps } from './tabs';

const SeriesChart = lazy(() => import('@/components/charts/SeriesChart'));

function series(snapshots: Snapshot[]): [number[], number[], number[]] {
  const oldest = snapshots.filter((one) => one.is_ancestor).toReversed();
  const at = (key: string) => oldest.map((one) => Number(one.summary[key] ?? 0));
  return [oldest.map((one) => Date.parse(one.committed_at) / 1000), at('total-data-files'), at('total-records')];
}

/** Every snapshot as a graph of commits, newest first, and how the table grew over time. */
export default function SnapshotsTab({ name, catalog }: TabProps) {
  const pages = useAllPages(snapshotPages(name, catalog));
  const refs = useAllPages(refPages(name, catalog));
  const snapshots = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  const { rows, lanes } = useMemo(() => graph(snapshots), [snapshots]);
  const kinds = new Map(refs.data?.pages.flatMap(({ items }) => items.map((ref) => [ref.name, ref.kind])));
  const points = useMemo(() => series(snapshots), [snapshots]);
  const [opened, open] = useState<Snapshot | null>(null);
  const { scroller, virtual, control } = useWalk(rows.length, ROW);

  const failure = pages.isError && (
    <ErrorState error={pages.error} title="The snapshots can’t be read" retry={() => void pages.refetch()} />
  );
  if (failure && !pages.data) return failure;
  const [newest, oldest] = [snapshots[0], snapshots.at(-1)];
  // Of the main branch's own, which come newest first.
  const current = snapshots.find((one) => one.is_ancestor)?.snapshot_id;
  return (
    <div className="space-y-4">
      {failure}
      {refs.isError && (
        <ErrorState
          error={refs.error}
          title="Branches and tags can’t be told apart"
          retry={() => void refs.refetch()}
        />
      )}
      <Section
        title="Over time"
        aside={<span className="text-xs text-muted-foreground">data files and rows after each commit</span>}
      >
        <div className="h-52 p-3">
          {points[0].length > 1 ? (
            <Part of={name} fallback={null}>
              <SeriesChart
                data={points}
                labels={['data files', 'rows']}
                summary={`Data files and rows from ${minute(oldest?.committed_at ?? '')} to ${minute(newest?.committed_at ?? '')}; the list below has each commit.`}
              />
            </Part>
          ) : (
            !pages.isPending && <p className="p-3 text-muted-foreground">A line needs two commits at least.</p>
          )}
        </div>
      </Section>
      <Section
        title={
          pages.isPending
            ? 'Snapshots'
            : `${plural(snapshots.length, 'snapshot')}${pages.hasNextPage ? ', reading on …' : ''}`
        }
      >
        {pages.isPending && <SkeletonRows rows={8} height={ROW} label="The snapshots are being read" />}
        {!pages.isPending && rows.length === 0 && (
          <EmptyState icon={GitCommitHorizontal} title="No snapshots yet">
            The first write to this table makes one.
          </EmptyState>
        )}
        {rows.length > 0 && (
          <div ref={scroller} role="region" aria-label="Graph of snapshots" className="max-h-[34rem] overflow-y-auto">
            <ol className="relative" style={{ height: virtual.getTotalSize() }}>
              {virtual.getVirtualItems().map((item) => {
                const row = rows[item.index];
                return (
                  row && (
                    <li key={row.snapshot.snapshot_id} className="absolute inset-x-0" style={{ top: item.start }}>
                      <SnapshotRow
                        row={row}
                        lanes={Math.min(lanes, MOST_LANES)}
                        kinds={kinds}
                        open={open}
                        control={control(item.index)}
                      />
                    </li>
                  )
                );
              })}
            </ol>
          </div>
        )}
      </Section>
      {opened && (
        <SnapshotDialog
          snapshot={opened}
          current={opened.snapshot_id === current}
          close={() => open(null)}
          name={name}
          catalog={catalog}
        />
      )}
    </div>
  );
}
