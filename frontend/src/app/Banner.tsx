import { PlugZap } from 'lucide-react';

import { useNow } from '@/hooks/useNow';
import { connection } from '@/lib/connection';
import { useStore } from '@/lib/store';

/** Says that the server does not answer. What is on screen stays, and follows again when it is back. */
export function Banner() {
  const { here, since } = useStore(connection);
  const now = useNow(1000);
  if (here) return null;
  const seconds = Math.max(1, Math.round((now - since) / 1000));
  return (
    <p role="status" className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-[0.8125rem]">
      <PlugZap aria-hidden className="size-4 text-warn" />
      The server has not answered for {seconds} s. What you see may be old; the page goes on by itself when it is back.
    </p>
  );
}
