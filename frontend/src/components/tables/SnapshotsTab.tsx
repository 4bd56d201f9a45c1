import { useVirtualizer } from '@tanstack/react-virtual';
import { GitBranch, GitCommitHorizontal, Tag } from 'lucide-react';
import { lazy, useMemo, useRef, useState } from 'react';

import { refPages, snapshotPages } from '@/api/pages';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Part } from '@/components/common/Part';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { useAllPages } from '@/hooks/useAllPages';
import { bytes, compact, minute, plural } from '@/lib/format';

import { SnapshotDialog } from './SnapshotDialog';
import { graph, type GraphRow, type Snapshot } from './snapshotGraph';
import type { TabProps } from './tabs';

const SeriesChart = lazy(() => import('@/components/charts/SeriesChart'));

const ROW = 44;
const LANE = 14;
/** More lanes than this would push the words off the page. */
const MOST_LANES = 8;

function x(lane: number): number {
  return 9 + Math.min(lane, MOST_LANES - 1) * LANE;
}

function Lines({ row, lanes }: { row: GraphRow; lanes: number }) {
  const at = x(row.lane);
  return (
    <svg aria-hidden width={x(lanes - 1) + 9} height={ROW} className="shrink-0">
      <g className="stroke-muted-foreground/55" strokeWidth="1.5" fill="none">
        {row.passing.map((lane) => (
          <line key={lane} x1={x(lane)} x2={x(lane)} y1={0} y2={ROW} />
        ))}
        {row.from.map((lane) => (
          <path
            key={lane}
            d={
              lane === row.lane
                ? `M${at} 0V${ROW / 2}`
                : `M${x(lane)} 0C${x(lane)} ${ROW / 3} ${at} ${ROW / 6} ${at} ${ROW / 2}`
            }
          />
        ))}
        {row.goesOn && <line x1={at} x2={at} y1={ROW / 2} y2={ROW} />}
      </g>
      <circle
        cx={at}
        cy={ROW / 2}
        r={row.snapshot.refs.length > 0 ? 5 : 4}
        className={row.snapshot.is_ancestor ? 'fill-primary' : 'fill-muted-foreground'}
      />
    </svg>
  );
}

/** What a commit changed, in few words: "+6 files, +4.5K rows". */
function changed({ summary }: Snapshot): string {
  const told: [string, string, string][] = [
    ['added-data-files', '+', 'files'],
    ['deleted-data-files', '−', 'files'],
    ['added-records', '+', 'rows'],
    ['deleted-records', '−', 'rows'],
    ['added-delete-files', '+', 'delete files'],
  ];
  const found = told.flatMap(([key, sign, what]) => {
    const value = Number(summary[key] ?? 0);
    return value > 0 ? [`${sign}${compact(value)} ${what}`] : [];
  });
  return found.join(', ') || 'nothing added';
}

/** What is not known yet to be one or the other is drawn as neither. */
const TONES: Record<string, Tone> = { branch: 'info', tag: 'warn' };

interface RowProps {
  row: GraphRow;
  lanes: number;
  kinds: Map<string, string>;
  open: (snapshot: Snapshot) => void;
}

function Row({ row, lanes, kinds, open }: RowProps) {
  const { snapshot } = row;
  const total = Number(snapshot.summary['total-files-size'] ?? 0);
  return (
    <div className="relative flex h-11 items-center gap-3 border-b border-border px-4 text-[0.8125rem] hover:bg-accent/60">
      <Lines row={row} lanes={lanes} />
      <button
        type="button"
        className="w-20 shrink-0 text-left font-medium after:absolute after:inset-0"
        aria-label={`${snapshot.operation}, snapshot ${snapshot.snapshot_id}`}
        onClick={() => open(snapshot)}
      >
        {snapshot.operation}
      </button>
      <span className="min-w-0 grow truncate text-muted-foreground" title={JSON.stringify(snapshot.summary)}>
        {snapshot.refs.map((ref) => (
          <Badge key={ref} tone={TONES[kinds.get(ref) ?? ''] ?? 'outline'} className="mr-1.5">
            {kinds.get(ref) === 'tag' && <Tag aria-label="tag" />}
            {kinds.get(ref) === 'branch' && <GitBranch aria-label="branch" />}
            {ref}
          </Badge>
        ))}
        {changed(snapshot)}
      </span>
      <span className="w-20 shrink-0 text-right text-muted-foreground tabular-nums max-lg:hidden">
        {total > 0 ? bytes(total) : ''}
      </span>
      <code className="w-44 shrink-0 text-right text-xs text-muted-foreground max-xl:hidden">
        {snapshot.snapshot_id}
      </code>
      <span className="w-28 shrink-0 text-right">
        <Ago at={snapshot.committed_at} />
      </span>
    </div>
  );
}

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
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });

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
          <div
            ref={scroller}
            tabIndex={0}
            role="region"
            aria-label="Graph of snapshots"
            className="max-h-[34rem] overflow-y-auto"
          >
            <ol className="relative" style={{ height: virtual.getTotalSize() }}>
              {virtual.getVirtualItems().map((item) => {
                const row = rows[item.index];
                return (
                  row && (
                    <li key={row.snapshot.snapshot_id} className="absolute inset-x-0" style={{ top: item.start }}>
                      <Row row={row} lanes={Math.min(lanes, MOST_LANES)} kinds={kinds} open={open} />
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
