import { Tooltip as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

/** Milliseconds that something is pointed at before it is told of. */
const DELAY = 250;

/**
 * Shows `text` on hover and focus of its child, which must take a ref and handlers. It stands beside the child and in the
 * same landmark, not at the end of the page.
 */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={DELAY}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Content
          sideOffset={5}
          collisionPadding={8}
          className="z-50 max-w-80 rounded-md bg-foreground px-2.5 py-1.5 text-left text-xs whitespace-normal text-background shadow-md"
        >
          {text}
        </Radix.Content>
      </Radix.Root>
    </Radix.Provider>
  );
}
