import type { Report } from './report';
import { isRecord, number, records } from '@/api/shapes';
import { bytes, count } from '@/lib/format';
import { cn } from '@/lib/cn';

interface Bin {
  from: number;
  to: number;
  files: number;
  bytes: number;
}

/** The bins of the report's histogram up to the largest that holds a file or the target. */
export function bins(facts: unknown): { bins: Bin[]; target: number | null; small: number | null } | null {
  const sizes = isRecord(facts) && isRecord(facts.file_sizes) ? facts.file_sizes : null;
  if (!sizes) return null;
  const target = number(sizes.target);
  const all = records(sizes.histogram).map((bin) => ({
    from: number(bin.at_least) ?? 0,
    to: number(bin.under) ?? 0,
    files: number(bin.files) ?? 0,
    bytes: number(bin.bytes) ?? 0,
  }));
  const last = all.findLastIndex((bin) => bin.files > 0 || (target !== null && target >= bin.from && target < bin.to));
  return { bins: all.slice(0, last + 1), target, small: number(sizes.small_under) };
}

/** Data files by size, beside the size that the table aims at. */
export function FileSizes({ facts }: { facts: Report['facts'] }) {
  const found = bins(facts);
  if (!found || found.bins.length === 0) {
    return <p className="p-4 text-muted-foreground">No loaded rule asks for file sizes, so they were not gathered.</p>;
  }
  const most = Math.max(...found.bins.map((bin) => bin.files), 1);
  return (
    <div className="p-4">
      <table className="w-full">
        <thead className="sr-only">
          <tr>
            <th scope="col">Size</th>
            <th scope="col">Files</th>
            <th scope="col">Bytes</th>
          </tr>
        </thead>
        <tbody>
          {found.bins.map((bin) => {
            const small = found.small !== null && bin.from < found.small;
            return (
              <tr key={bin.from} className="text-[0.8125rem]">
                <th
                  scope="row"
                  className="w-36 py-1 pr-3 text-right font-normal whitespace-nowrap text-muted-foreground"
                >
                  {bin.to > 1e18
                    ? `over ${bytes(bin.from)}`
                    : `${bin.from === 0 ? 'under ' : `${bytes(bin.from)} to `}${bytes(bin.to)}`}
                </th>
                <td className="py-1">
                  <span className="flex items-center gap-2">
                    <span
                      aria-hidden
                      className={cn('block h-4 rounded-sm', small ? 'bg-warn/80' : 'bg-primary/75')}
                      style={{ width: `${(70 * bin.files) / most}%`, minWidth: bin.files > 0 ? 2 : 0 }}
                    />
                    <span className="tabular-nums">{count(bin.files)}</span>
                  </span>
                </td>
                <td className="w-24 py-1 text-right text-muted-foreground tabular-nums">{bytes(bin.bytes)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {found.target !== null && (
        <p className="mt-2 text-xs text-muted-foreground">
          The table aims at {bytes(found.target)} a file; the bars in amber are sizes that a rewrite joins
          {found.small !== null && ` (under ${bytes(found.small)})`}.
        </p>
      )}
    </div>
  );
}
