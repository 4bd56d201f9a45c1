import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Files } from 'lucide-react';
import { useEffect, useRef } from 'react';

import type { Schemas } from '@/api/client';
import { filePages, partitionPages } from '@/api/pages';
import { tableHealth } from '@/api/tables';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Bytes, Count } from '@/components/common/Values';
import { Badge } from '@/components/ui/badge';
import { useAllPages } from '@/hooks/useAllPages';
import { plural } from '@/lib/format';

import { FileSizes } from './FileSizes';
import { DRAWN, PartitionMap } from './PartitionMap';
import type { TabProps } from './tabs';

const ROW = 40;

function FileRow({ file }: { file: Schemas['FileItem'] }) {
  return (
    <div className="flex h-10 items-center gap-3 border-b border-border px-4 text-[0.8125rem]">
      <span className="min-w-0 grow truncate" title={file.path}>
        {file.content !== 'data' && (
          <Badge tone="warn" className="mr-2">
            {file.content}
          </Badge>
        )}
        {file.path.split('/').at(-1)}
      </span>
      <span className="w-56 shrink-0 truncate text-muted-foreground max-lg:hidden" title={file.partition}>
        {file.partition}
      </span>
      <span className="w-20 shrink-0 text-right max-sm:hidden">
        <Count value={file.records} />
      </span>
      <span className="w-20 shrink-0 text-right">
        <Bytes value={file.bytes} />
      </span>
    </div>
  );
}

function FileList({ name, catalog }: TabProps) {
  const pages = useInfiniteQuery(filePages(name, catalog));
  const files = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: files.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const { hasNextPage, isFetching, isError, fetchNextPage } = pages;
  const end = virtual.getVirtualItems().at(-1)?.index ?? 0;
  useEffect(() => {
    if (end >= files.length - 20 && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [end, files.length, hasNextPage, isFetching, isError, fetchNextPage]);
  const failure = isError && (
    <ErrorState error={pages.error} title="The files can’t be listed" retry={() => void pages.refetch()} />
  );
  if (failure && !pages.data) return failure;
  return (
    <Section
      title="Live files"
      aside={
        files.length > 0 && (
          <span className="text-xs text-muted-foreground">
            {plural(files.length, 'file')}
            {hasNextPage ? ' read, more as you scroll' : ''}
          </span>
        )
      }
    >
      {failure}
      {pages.isPending && <SkeletonRows rows={8} height={ROW} label="The files are being read" />}
      {!pages.isPending && files.length === 0 && (
        <EmptyState icon={Files} title="No files">
          The table is empty: nothing was written to it yet, or everything was deleted.
        </EmptyState>
      )}
      {files.length > 0 && (
        <div
          ref={scroller}
          tabIndex={0}
          role="region"
          aria-label="Names, partitions and sizes"
          className="max-h-[28rem] overflow-y-auto"
        >
          <ul className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const file = files[item.index];
              return (
                file && (
                  <li key={item.index} className="absolute inset-x-0" style={{ top: item.start }}>
                    <FileRow file={file} />
                  </li>
                )
              );
            })}
          </ul>
        </div>
      )}
    </Section>
  );
}

/** How large the files are, where the small ones lie, and each of them. */
export default function FilesTab({ name, catalog }: TabProps) {
  const health = useQuery(tableHealth(name, catalog));
  const partitions = useAllPages(partitionPages(name, catalog), DRAWN);
  const report = health.data?.table === name ? health.data : undefined;
  const all = partitions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="grid gap-4 xl:grid-cols-2">
      <Section title="Sizes">
        {report && <FileSizes facts={report.facts} />}
        {!report && health.isError && (
          <ErrorState
            error={health.error}
            title="The sizes can’t be shown"
            retry={() => void health.refetch()}
            className="m-3"
          />
        )}
        {!report && !health.isError && <SkeletonRows rows={5} height={28} label="File sizes are being read" />}
      </Section>
      <Section
        title="Partitions by small files"
        aside={
          all.length > 0 && (
            <span className="text-xs text-muted-foreground">
              {plural(all.length, 'partition')}
              {partitions.hasNextPage ? ' read, more exist' : ''}
            </span>
          )
        }
      >
        {partitions.isError && (
          <ErrorState
            error={partitions.error}
            title="The partitions can’t be shown"
            retry={() => void partitions.refetch()}
            className="m-3"
          />
        )}
        {partitions.isPending && <SkeletonRows rows={3} height={28} label="The partitions are being read" />}
        {partitions.data && <PartitionMap partitions={all} more={partitions.hasNextPage} />}
      </Section>
      <div className="min-w-0 xl:col-span-2">
        <FileList name={name} catalog={catalog} />
      </div>
    </div>
  );
}
