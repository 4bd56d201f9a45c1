import type { ReactNode } from 'react';

import { cn } from '@/lib/cn';

/** A titled card. `aside` stands at the end of its title line. */
export function Section({
  title,
  aside,
  children,
  className,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={cn('card min-w-0', className)} aria-label={title}>
      <div className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-border px-4 py-2">
        <h2 className="font-medium">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A term beside its value, for facts in a row. */
export function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="eyebrow">{term}</dt>
      <dd className="mt-0.5 truncate">{children}</dd>
    </div>
  );
}
