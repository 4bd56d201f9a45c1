import type { Schemas } from '@/api/client';
import { measure } from '@/lib/format';

/** Beyond this ratio the smaller of the two would not be seen on a linear scale. */
const WIDE = 25;

/** Where value and threshold stand on the bar, in per cent. */
export function places(value: number, threshold: number): { value: number; threshold: number } {
  const most = Math.max(value, threshold);
  const least = Math.min(value, threshold);
  if (most <= 0) return { value: 0, threshold: 0 };
  const scale = least > 0 && most / least > WIDE ? (x: number) => Math.log1p((x / least) * 2) : (x: number) => x;
  const room = scale(most) * 1.12;
  return { value: (100 * scale(value)) / room, threshold: (100 * scale(threshold)) / room };
}

function ratio(value: number, threshold: number): string {
  const times = value / threshold;
  if (times >= 10) return `${times.toFixed(0)} × the threshold`;
  if (times >= 1.05) return `${times.toFixed(1)} × the threshold`;
  if (times >= 0.95) return 'at the threshold';
  return times >= 0.01 ? `${(times * 100).toFixed(0)} % of the threshold` : 'under 1 % of the threshold';
}

/** A measured figure drawn against the threshold that it was held to. */
export function EvidenceBar({ evidence: { name, value, unit, threshold } }: { evidence: Schemas['Measure'] }) {
  const at = threshold == null ? null : places(value, threshold);
  return (
    <div className="grid grid-cols-[minmax(0,15rem)_minmax(0,1fr)] items-center gap-x-4 gap-y-1 py-1 max-sm:grid-cols-1">
      <p className="text-muted-foreground first-letter:uppercase">{name}</p>
      <div className="flex items-center gap-3">
        <span className="w-24 shrink-0 font-medium tabular-nums" title={`${value} ${unit}`}>
          {measure(value, unit)}
        </span>
        {at !== null && threshold != null && (
          <>
            <span
              role="img"
              aria-label={`${measure(value, unit)} beside a threshold of ${measure(threshold, unit)}`}
              className="relative block h-2 min-w-16 grow rounded-sm bg-muted"
            >
              <span className="block h-full min-w-0.5 rounded-sm bg-primary/75" style={{ width: `${at.value}%` }} />
              <span className="absolute -top-1 h-4 w-0.5 bg-foreground" style={{ left: `${at.threshold}%` }} />
            </span>
            <span className="w-60 shrink-0 text-xs whitespace-nowrap text-muted-foreground max-lg:hidden">
              {threshold > 0 ? ratio(value, threshold) : 'threshold'} ({measure(threshold, unit)})
            </span>
          </>
        )}
      </div>
    </div>
  );
}
