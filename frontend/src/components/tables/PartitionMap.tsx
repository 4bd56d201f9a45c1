import { useState } from 'react';

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

/** One square a partition: the fuller, the more of its files are small. What is pointed at is told below. */
export function PartitionMap({ partitions, more }: { partitions: Partition[]; more: boolean }) {
  const [pointed, point] = useState<Partition | null>(null);
  const drawn = partitions.slice(0, DRAWN);
  const worst = drawn[0];
  const told = pointed ?? worst;
  return (
    <div className="p-4">
      <div
        role="img"
        aria-label={`${plural(partitions.length, 'partition')}${more ? ' so far' : ''}, most small files first${worst ? `; ${label(worst)}` : ''}`}
        className="flex max-h-56 flex-wrap gap-0.5 overflow-hidden"
        onPointerLeave={() => point(null)}
      >
        {drawn.map((partition) => (
          <span
            key={`${partition.spec_id} ${partition.path}`}
            className={cn(
              drawn.length > 120 ? 'size-4' : 'size-8',
              'rounded-[3px] bg-muted ring-inset hover:ring-2 hover:ring-foreground',
            )}
            onPointerEnter={() => point(partition)}
          >
            <span className="block size-full rounded-[3px] bg-warn" style={{ opacity: shade(partition) * 0.9 }} />
          </span>
        ))}
      </div>
      <p className="mt-3 h-5 truncate text-xs text-muted-foreground">
        {told && label(told)}
        {partitions.length > DRAWN && ` · ${count(DRAWN)} of ${count(partitions.length)} drawn`}
      </p>
    </div>
  );
}
