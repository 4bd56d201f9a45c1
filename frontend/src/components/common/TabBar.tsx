import { useEffect, useRef, type ReactNode } from 'react';

/** How the link of a tab looks; the current one is `aria-current`. */
export const TAB =
  '-mb-px rounded-t-md border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-muted-foreground -outline-offset-2 hover:text-foreground aria-[current=page]:border-primary aria-[current=page]:font-medium aria-[current=page]:text-foreground';

/** The tabs of a page, as links. Where they have no room side by side, the current one is brought into sight. */
export function TabBar({ label, current, children }: { label: string; current: string; children: ReactNode }) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    const tab = bar.current?.querySelector<HTMLElement>('[aria-current=page]');
    if (!bar.current || !tab) return;
    // Not `scrollIntoView`, which would move the page too.
    const room = bar.current.getBoundingClientRect();
    const { left, right } = tab.getBoundingClientRect();
    if (right > room.right) bar.current.scrollLeft += right - room.right;
    if (left < room.left) bar.current.scrollLeft -= room.left - left;
  }, [current]);
  return (
    <nav ref={bar} aria-label={label} className="mt-3 mb-4 flex gap-1 overflow-x-auto border-b border-border">
      {children}
    </nav>
  );
}
