import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

/** Says that there is nothing, and what to do next. */
export function EmptyState({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-1.5 px-6 py-14 text-center">
      <Icon aria-hidden className="mb-1 size-7 text-muted-foreground" strokeWidth={1.5} />
      <p className="font-medium">{title}</p>
      <div className="max-w-md text-muted-foreground">{children}</div>
    </div>
  );
}
