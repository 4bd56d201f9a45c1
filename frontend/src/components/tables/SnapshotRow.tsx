import { GitBranch, Tag } from 'lucide-react';
import type { ComponentProps } from 'react';

import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { bytes, compact } from '@/lib/format';

import type { GraphRow, Snapshot } from './snapshotGraph';

export const ROW = 44;
const LANE = 14;
/** More lanes than this would push the words off the page. */
export const MOST_LANES = 8;

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

interface SnapshotRowProps {
  row: GraphRow;
  lanes: number;
  kinds: Map<string, string>;
  open: (snapshot: Snapshot) => void;
  /** What makes its button one of those that keys walk through. */
  control: ComponentProps<'button'>;
}

/** One commit in the graph: where it stands, what it is called, what it changed, and when. */
export function SnapshotRow({ row, lanes, kinds, open, control }: SnapshotRowProps) {
  const { snapshot } = row;
  const total = Number(snapshot.summary['total-files-size'] ?? 0);
  return (
    <div className="relative flex h-11 items-center gap-3 border-b border-border px-4 text-[0.8125rem] hover:bg-accent/60">
      <Lines row={row} lanes={lanes} />
      {/* On a phone what it changed stands below, where it has the whole line. */}
      <div className="max-sm:grid max-sm:min-w-0 max-sm:grow max-sm:grid-cols-[1fr_auto] sm:contents">
        <button
          type="button"
          className="w-20 shrink-0 text-left font-medium fills-row"
          aria-label={`${snapshot.operation}, snapshot ${snapshot.snapshot_id}`}
          onClick={() => open(snapshot)}
          {...control}
        >
          {snapshot.operation}
        </button>
        <span
          className="min-w-0 grow truncate text-muted-foreground max-sm:order-last max-sm:col-span-2"
          title={JSON.stringify(snapshot.summary)}
        >
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
    </div>
  );
}
