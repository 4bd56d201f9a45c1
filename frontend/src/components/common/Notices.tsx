import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleAlert, Info, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { dismiss, notices, type Notice } from '@/lib/notices';
import { useStore } from '@/lib/store';

const SHOWN = 7000;
const ICONS = { good: CircleCheck, bad: CircleAlert, info: Info };
const COLOURS = { good: 'text-good', bad: 'text-bad', info: 'text-info' };

function Word({ notice }: { notice: Notice }) {
  const [held, hold] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => dismiss(notice.id), SHOWN);
    return () => clearTimeout(timer);
  }, [held, notice.id]);
  const Icon = ICONS[notice.tone];
  return (
    // Pointing only holds the time; everything can be done by the buttons inside.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <li
      className="pointer-events-auto flex gap-2.5 rounded-lg border border-border bg-popover p-3 text-sm shadow-lg animate-in fade-in-0 slide-in-from-bottom-1"
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${COLOURS[notice.tone]}`} />
      <div className="min-w-0 grow">
        <p className="break-words">{notice.title}</p>
        {notice.detail && <p className="line-clamp-3 break-words text-muted-foreground">{notice.detail}</p>}
      </div>
      {notice.link && (
        <Link
          to={notice.link.to}
          params={notice.link.params}
          onClick={() => dismiss(notice.id)}
          className="font-medium text-primary hover:underline"
        >
          {notice.link.label}
        </Link>
      )}
      <button
        type="button"
        aria-label="Dismiss"
        onClick={() => dismiss(notice.id)}
        className="self-start text-muted-foreground hover:text-foreground"
      >
        <X className="size-4" />
      </button>
    </li>
  );
}

/** Quiet words in the corner. They are read out politely and wait while they are pointed at. */
export function Notices() {
  const all = useStore(notices);
  return (
    <ol
      aria-live="polite"
      aria-label="Notices"
      className="pointer-events-none fixed right-4 bottom-4 z-50 w-[min(24rem,calc(100vw-2rem))] space-y-2"
    >
      {all.map((notice) => (
        <Word key={notice.id} notice={notice} />
      ))}
    </ol>
  );
}
