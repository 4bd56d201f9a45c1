import { Check, Copy } from 'lucide-react';
import { useState, type MouseEvent } from 'react';

import { copyText } from '@/lib/clipboard';
import { cn } from '@/lib/cn';
import { notifyFailure } from '@/lib/notices';

/** Copies `text`; shows `children`, or a small icon. */
export function CopyButton({ text, label, className }: { text: string; label: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = ({ currentTarget }: MouseEvent<HTMLElement>) => {
    copyText(text, currentTarget).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    }, notifyFailure('It can’t be copied'));
  };
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={copied ? 'Copied' : label}
      title={label}
      className={cn(
        'inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-muted-foreground hover:text-foreground',
        className,
      )}
    >
      {copied ? <Check className="size-3.5 text-good" /> : <Copy className="size-3.5" />}
    </button>
  );
}
