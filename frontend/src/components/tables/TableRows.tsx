import { Link } from '@tanstack/react-router';
import { createColumnHelper, flexRender, getCoreRowModel, useReactTable, type Row } from '@tanstack/react-table';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, TriangleAlert } from 'lucide-react';
import { memo, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';

import type { TableItem } from '@/api/tables';
import { Ago, Bytes, Count } from '@/components/common/Values';
import { useIdle } from '@/hooks/useIdle';
import { cn } from '@/lib/cn';
import { splitName } from '@/lib/tableName';

import { HealthIndicator } from './HealthIndicator';
import { COLUMNS, type Column, type Order } from './tableList';

const ROW = 53;

/** Where the list began last, in pixels from the top; before, where it begins in a wide window. Only rows in sight are drawn. */
let began = 188;

const NARROW: Partial<Record<Column, string>> = {
  bytes: 'max-md:hidden',
  data_files: 'max-md:hidden',
  records: 'max-xl:hidden',
  modified: 'max-lg:hidden',
};
const WIDTH: Record<Column, string> = {
  score: 'w-[46%]',
  name: '',
  bytes: 'w-24',
  data_files: 'w-20',
  records: 'w-24',
  modified: 'w-32',
};

function Health({ table }: { table: TableItem }) {
  if (table.error) {
    return (
      <span className="flex items-center gap-1.5 text-bad">
        <TriangleAlert aria-hidden className="size-4 shrink-0" />
        <span className="truncate" title={table.error.detail}>
          {table.error.detail}
        </span>
      </span>
    );
  }
  if (!table.health) return <span className="text-muted-foreground">not judged yet</span>;
  const { score, worst, stale } = table.health;
  return (
    <span className="flex min-w-0 items-center gap-2.5 max-md:flex-col max-md:items-start max-md:gap-0">
      <HealthIndicator score={score} stale={stale} />
      {worst && (
        <span className="max-w-full truncate text-muted-foreground" title={worst.title}>
          {worst.title}
        </span>
      )}
    </span>
  );
}

const column = createColumnHelper<TableItem>();

function columnsFor(catalog: string | undefined) {
  return [
    column.display({
      id: 'name',
      header: 'Table',
      cell: ({ row: { original: table } }) => (
        <Link
          to="/tables/$name/$tab"
          params={{ name: table.name, tab: 'overview' }}
          search={{ catalog }}
          preload="intent"
          className="block min-w-0 fills-row focus-visible:outline-none"
          data-row
        >
          <span className="block truncate font-medium" title={table.name}>
            {table.table}
          </span>
          <span className="block truncate text-xs text-muted-foreground">
            {splitName(table.name).slice(0, -1).join(' / ')}
          </span>
        </Link>
      ),
    }),
    column.display({ id: 'score', header: 'Health', cell: ({ row }) => <Health table={row.original} /> }),
    column.display({ id: 'bytes', header: 'Size', cell: ({ row }) => <Bytes value={row.original.bytes} /> }),
    column.display({ id: 'data_files', header: 'Files', cell: ({ row }) => <Count value={row.original.data_files} /> }),
    column.display({ id: 'records', header: 'Rows', cell: ({ row }) => <Count value={row.original.records} /> }),
    column.display({ id: 'modified', header: 'Changed', cell: ({ row }) => <Ago at={row.original.modified_at} /> }),
  ];
}

function isColumn(id: string): id is Column {
  return COLUMNS.some((one) => one === id);
}

/** Arrow keys go from row to row; Enter follows the link as everywhere. */
function walk(event: KeyboardEvent<HTMLTableElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = rows[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

/** Not drawn anew where the list around it is measured or grows by what is out of sight. */
const TableRow = memo(function TableRow({ row, index }: { row: Row<TableItem>; index: number }) {
  return (
    <tr
      // After that of the headings, and from one on.
      aria-rowindex={index + 2}
      className="relative h-[53px] border-b border-border last:border-0 focus-within:bg-accent hover:bg-accent/60 has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-ring"
    >
      {row.getVisibleCells().map(({ id, column: { id: name, columnDef }, getContext }) => (
        <td key={id} className={cn('overflow-hidden px-3 py-0 first:pl-4', isColumn(name) && NARROW[name])}>
          {flexRender(columnDef.cell, getContext())}
        </td>
      ))}
    </tr>
  );
});

interface TableRowsProps {
  tables: TableItem[];
  order: Order;
  sortBy: (order: Order) => void;
  catalog: string | undefined;
}

/** Ten thousand rows as well as ten: only those in sight are in the document. */
export function TableRows({ tables, order, sortBy, catalog }: TableRowsProps) {
  const body = useRef<HTMLTableElement>(null);
  const [top, setTop] = useState(began);
  const stands = useIdle();
  useLayoutEffect(() => {
    began = body.current?.offsetTop ?? began;
    setTop(began);
  }, []);
  const rows = useWindowVirtualizer({
    count: tables.length,
    estimateSize: () => ROW,
    // What is out of sight comes after what is seen.
    overscan: stands ? 12 : 0,
    scrollMargin: top,
    // A list that begins empty is drawn twice.
    initialRect: { width: window.innerWidth, height: window.innerHeight },
  });
  const inSight = rows.getVirtualItems();
  const first = inSight[0];
  const last = inSight.at(-1);
  const [from, to] = [first?.index ?? 0, last ? last.index + 1 : 0];
  const data = useMemo(() => tables.slice(from, to), [tables, from, to]);
  const columns = useMemo(() => columnsFor(catalog), [catalog]);
  const table = useReactTable({
    data,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (row) => row.name,
    // There are no pages: to go back to the first at each change of the rows would render without end.
    autoResetPageIndex: false,
  });
  const above = first ? first.start - top : 0;
  const below = last ? rows.getTotalSize() - (last.end - top) : 0;

  return (
    // The rows inside are links; these keys are a shortcut beside Tab.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <table ref={body} className="w-full table-fixed text-left" aria-rowcount={tables.length + 1} onKeyDown={walk}>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id} className="border-b border-border text-xs text-muted-foreground" aria-rowindex={1}>
            {group.headers.map(({ id, column: { columnDef }, getContext }) => {
              if (!isColumn(id)) return null;
              const active = order.by === id;
              const Arrow = order.down ? ArrowDown : ArrowUp;
              return (
                <th
                  key={id}
                  scope="col"
                  aria-sort={active ? (order.down ? 'descending' : 'ascending') : 'none'}
                  className={cn('px-3 py-0 font-medium first:pl-4', WIDTH[id], NARROW[id])}
                >
                  <button
                    type="button"
                    className="inline-flex h-9 items-center gap-1 hover:text-foreground"
                    onClick={() => sortBy({ by: id, down: active ? !order.down : id !== 'name' && id !== 'score' })}
                  >
                    {flexRender(columnDef.header, getContext())}
                    {active && <Arrow aria-hidden className="size-3" />}
                  </button>
                </th>
              );
            })}
          </tr>
        ))}
      </thead>
      <tbody>
        {above > 0 && <tr aria-hidden style={{ height: above }} />}
        {table.getRowModel().rows.map((row, at) => (
          <TableRow key={row.id} row={row} index={(first?.index ?? 0) + at} />
        ))}
        {below > 0 && <tr aria-hidden style={{ height: below }} />}
      </tbody>
    </table>
  );
}
