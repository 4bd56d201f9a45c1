import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronRight, Database, Folder } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';

import type { TableItem } from '@/api/tables';
import { cn } from '@/lib/cn';
import { count } from '@/lib/format';

import { namespaceText, namespaceTree } from './tableList';

const ROW = 32;
const LINK =
  'flex h-8 min-w-0 items-center gap-2 rounded-md px-2 text-[0.8125rem] hover:bg-accent aria-[current=true]:bg-accent aria-[current=true]:font-medium';

/** Namespaces with how many tables each holds. Each is a link, so it can be shared and opened in a tab. */
export function NamespaceTree({ tables, chosen, total }: { tables: TableItem[]; chosen: string; total: number }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const branches = useMemo(() => namespaceTree(tables, open), [tables, open]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: branches.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
    // Until it is measured: what it stands in is no higher, and a list that begins empty is drawn twice.
    initialRect: { width: 0, height: window.innerHeight },
  });

  const toggle = (path: string) => {
    const next = new Set(open);
    if (!next.delete(path)) next.add(path);
    setOpen(next);
  };

  return (
    <nav aria-label="Namespaces" className="flex min-h-0 grow flex-col">
      <Link
        to="/tables"
        search={(before) => ({ ...before, ns: undefined })}
        className={LINK}
        aria-current={chosen === ''}
      >
        <Database aria-hidden className="size-4 shrink-0 text-muted-foreground" />
        <span className="grow">All namespaces</span>
        <span className="text-xs text-muted-foreground tabular-nums">{count(total)}</span>
      </Link>
      <div ref={scroller} className="min-h-0 grow overflow-y-auto">
        <ul className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const branch = branches[row.index];
            if (!branch) return null;
            return (
              <li
                key={branch.path}
                className="absolute inset-x-0 flex items-center"
                style={{ top: row.start, paddingLeft: branch.depth * 14 }}
              >
                <button
                  type="button"
                  className={cn(
                    'grid size-6 shrink-0 place-items-center rounded-sm text-muted-foreground hover:text-foreground',
                    !branch.parent && 'invisible',
                  )}
                  aria-expanded={open.has(branch.path)}
                  aria-label={`${open.has(branch.path) ? 'Close' : 'Open'} ${branch.label}`}
                  onClick={() => toggle(branch.path)}
                >
                  <ChevronRight className={cn('size-3.5 transition-transform', open.has(branch.path) && 'rotate-90')} />
                </button>
                <Link
                  to="/tables"
                  search={(before) => ({ ...before, ns: namespaceText(branch.path) })}
                  className={cn(LINK, 'grow')}
                  aria-current={branch.path === chosen}
                >
                  <Folder aria-hidden className="size-4 shrink-0 text-muted-foreground" />
                  <span className="grow truncate" title={branch.label}>
                    {branch.label}
                  </span>
                  <span className="text-xs text-muted-foreground tabular-nums">{count(branch.tables)}</span>
                </Link>
              </li>
            );
          })}
        </ul>
      </div>
    </nav>
  );
}
