import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { useRef, type ComponentProps } from 'react';

import { cn } from '@/lib/cn';

export const Dialog = Radix.Root;
export const DialogTitle = Radix.Title;
export const DialogDescription = Radix.Description;

export function DialogContent({
  className,
  children,
  closable = true,
  filled = false,
  ...props
}: ComponentProps<typeof Radix.Content> & {
  closable?: boolean;
  /** What is in it goes to its edges and scrolls by itself. */
  filled?: boolean;
}) {
  // Most are opened by a key or from a list, and Radix gives the focus back to a trigger of its own alone.
  const before = useRef<Element>(null);
  return (
    <Radix.Portal>
      <Radix.Overlay className="fixed inset-0 z-40 bg-black/35 data-[state=open]:animate-in data-[state=open]:fade-in-0" />
      <Radix.Content
        className={cn(
          'fixed top-[12vh] left-1/2 z-50 max-h-[76vh] w-[min(34rem,calc(100vw-2rem))] -translate-x-1/2 rounded-xl border border-border bg-popover text-popover-foreground shadow-xl data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:zoom-in-98',
          filled ? 'overflow-hidden' : 'overflow-y-auto p-5',
          className,
        )}
        onOpenAutoFocus={() => {
          before.current = document.activeElement;
        }}
        onCloseAutoFocus={(event) => {
          event.preventDefault();
          if (before.current instanceof HTMLElement) before.current.focus();
        }}
        {...props}
      >
        {children}
        {closable && (
          <Radix.Close
            className="absolute top-3.5 right-3.5 rounded-sm p-1 text-muted-foreground hover:text-foreground"
            aria-label="Close"
          >
            <X className="size-4" />
          </Radix.Close>
        )}
      </Radix.Content>
    </Radix.Portal>
  );
}
