import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Rows3 } from 'lucide-react';
import { useRef } from 'react';

import type { Schemas } from '@/api/client';
import { MOST_ROWS, tableRows } from '@/api/tables';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { plural } from '@/lib/format';

import type { DetailSearch, TabProps } from './tabs';

/** The width of a column. */
const WIDTH = 184;

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="text-muted-foreground italic">null</span>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return <span title={text}>{text}</span>;
}

/** A hundred rows of a thousand columns too: only the columns in sight are in the document. */
function Grid({ preview: { columns, rows } }: { preview: Schemas['Preview'] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => WIDTH,
    overscan: 3,
  });
  const inSight = virtual.getVirtualItems();
  const before = inSight[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (inSight.at(-1)?.end ?? 0);
  const room = 'h-8 truncate border-b border-border px-3 text-left';
  return (
    <div
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label="Values by column"
      className="max-h-[36rem] overflow-auto"
    >
      <table
        className="table-fixed border-separate border-spacing-0 text-[0.8125rem]"
        style={{ width: virtual.getTotalSize() }}
        aria-colcount={columns.length}
      >
        <thead className="sticky top-0 bg-card">
          <tr>
            {before > 0 && <td aria-hidden style={{ width: before }} />}
            {inSight.map(({ index }) => (
              <th
                key={index}
                scope="col"
                aria-colindex={index + 1}
                className={`${room} font-medium`}
                style={{ width: WIDTH }}
                title={`${columns[index]?.name ?? ''}: ${columns[index]?.type ?? ''}`}
              >
                {columns[index]?.name}
              </th>
            ))}
            {after > 0 && <td aria-hidden style={{ width: after }} />}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at} className="hover:bg-accent/60">
              {before > 0 && <td aria-hidden />}
              {inSight.map(({ index }) => (
                <td key={index} aria-colindex={index + 1} className={room}>
                  <Cell value={row[index]} />
                </td>
              ))}
              {after > 0 && <td aria-hidden />}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Some rows of the table, as it is now or as it was at the snapshot in the address. */
export default function RowsTab({ name, catalog, snapshot }: TabProps & DetailSearch) {
  const { data, error, isPending, refetch } = useQuery(tableRows(name, catalog, snapshot));
  const failure = error && <ErrorState error={error} title="The rows can’t be read" retry={() => void refetch()} />;
  if (failure && !data) return failure;
  const aside = data && (
    <span className="text-xs text-muted-foreground">
      {data.rows.length === MOST_ROWS ? `${MOST_ROWS} of its rows, in no order` : plural(data.rows.length, 'row')}
      {data.cut && '; long values are shortened'}
    </span>
  );
  return (
    <Section title={snapshot ? `Rows at snapshot ${snapshot}` : 'Rows'} aside={aside}>
      {failure}
      {snapshot && (
        <p className="border-b border-border px-4 py-2">
          As the table was then.{' '}
          <Link
            to="/tables/$name/$tab"
            params={{ name, tab: 'rows' }}
            search={{ catalog }}
            className="text-primary underline underline-offset-2"
          >
            Show it as it is now
          </Link>
        </p>
      )}
      {isPending && <SkeletonRows rows={10} height={32} label="The rows are being read" />}
      {data && data.rows.length > 0 && <Grid preview={data} />}
      {data?.rows.length === 0 && (
        <EmptyState icon={Rows3} title="No rows">
          Nothing was written to the table yet, or everything was deleted.
        </EmptyState>
      )}
    </Section>
  );
}
