import { useEffect, type ReactNode } from 'react';

/** A page: its name in the browser's tab, its heading, and what can be done on it. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useTitle(title);
  return (
    <div className="mx-auto w-full max-w-[96rem] px-4 py-5 sm:px-6">
      <div className="mb-4 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {lead && <p className="mt-0.5 text-muted-foreground">{lead}</p>}
        </div>
        {actions}
      </div>
      {children}
    </div>
  );
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · DRLS`;
  }, [title]);
}
