import { useId, useState, type KeyboardEvent } from 'react';

import type { Schemas } from '@/api/client';
import { cn } from '@/lib/cn';
import { bytes, count, plural } from '@/lib/format';

export type Partition = Schemas['PartitionItem'];

/** So many are drawn; they come with the most small files first. */
export const DRAWN = 1500;

function shade(partition: Partition): number {
  return partition.data_files === 0 ? 0 : partition.small_files / partition.data_files;
}

function label(partition: Partition): string {
  return `${partition.path || 'the whole table'}: ${count(partition.small_files)} of ${plural(partition.data_files, 'file')} small, ${bytes(partition.data_bytes)}`;
}

/** Squares in a line: as many as stand at the height of the first. */
function perLine(squares: HTMLElement[]): number {
  const more = squares.findIndex((square) => square.offsetTop > (squares[0]?.offsetTop ?? 0));
  return more < 0 ? squares.length : more;
}

/** One square a partition: the fuller, the more of its files are small. What is pointed at, or gone to by keys, is told below. */
export function PartitionMap({ partitions, more }: { partitions: Partition[]; more: boolean }) {
  const [at, setAt] = useState(0);
  const id = useId();
  const drawn = partitions.slice(0, DRAWN);
  const told = drawn[at] ?? drawn[0];
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const squares = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=option]')];
    const line = perLine(squares);
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: line,
      ArrowUp: -line,
      Home: -at,
      End: drawn.length - 1 - at,
    };
    const next = at + (steps[event.key] ?? Number.NaN);
    if (Number.isNaN(next)) return;
    event.preventDefault();
    const square = squares[next];
    if (!square) return;
    setAt(next);
    square.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div className="p-4">
      <div
        role="listbox"
        tabIndex={0}
        aria-label={`${plural(partitions.length, 'partition')}${more ? ' so far' : ''}, most small files first`}
        aria-activedescendant={told && `${id}-${drawn.indexOf(told)}`}
        onKeyDown={move}
        className="relative flex max-h-56 flex-wrap gap-0.5 overflow-y-auto"
      >
        {drawn.map((partition, index) => (
          <span
            key={`${partition.spec_id} ${partition.path}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={partition === told}
            aria-label={label(partition)}
            className={cn(
              drawn.length > 120 ? 'size-4' : 'size-8',
              'rounded-[3px] bg-muted -outline-offset-2 outline-foreground hover:outline-2 aria-selected:outline-2',
            )}
            onPointerEnter={() => setAt(index)}
          >
            <span className="block size-full rounded-[3px] bg-warn" style={{ opacity: shade(partition) * 0.9 }} />
          </span>
        ))}
      </div>
      <p className="mt-3 h-5 truncate text-xs text-muted-foreground max-sm:h-10 max-sm:whitespace-normal">
        {told && label(told)}
        {partitions.length > DRAWN && ` · ${count(DRAWN)} of ${count(partitions.length)} drawn`}
      </p>
    </div>
  );
}
