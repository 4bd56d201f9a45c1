import { useState } from 'react';

import { cn } from '@/lib/cn';

/** Text of others may be of any length: so much of it is shown at first, and so much at all. */
const SHORT = 320;
const LONG = 20_000;

export function ClampedText({ text, className }: { text: string; className?: string }) {
  const [open, setOpen] = useState(false);
  if (text.length <= SHORT) return <span className={cn('break-words whitespace-pre-line', className)}>{text}</span>;
  return (
    <span className={cn('break-words whitespace-pre-line', className)}>
      {open ? text.slice(0, LONG) : `${text.slice(0, SHORT).trimEnd()}…`}{' '}
      {open && text.length > LONG && <em>({text.length - LONG} more characters are not shown) </em>}
      <button
        type="button"
        onClick={() => setOpen(!open)}
        aria-expanded={open}
        className="text-primary underline underline-offset-2"
      >
        {open ? 'less' : 'more'}
      </button>
    </span>
  );
}
