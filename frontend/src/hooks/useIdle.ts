import { useEffect } from 'react';

import { createStore, useStore } from '@/lib/store';

/** Milliseconds after which a page that is still at work counts as standing. */
const AT_LATEST = 2000;

/** The browser was idle once; pages after the first come with all code there. */
const stands = createStore(false);

let asked = false;

function ask() {
  if (asked) return;
  asked = true;
  const done = () => stands.set(true);
  if ('requestIdleCallback' in window) requestIdleCallback(done, { timeout: AT_LATEST });
  else setTimeout(done, AT_LATEST / 4);
}

/**
 * Whether the browser had nothing to do for the page once, or not for long enough, so that what is beside what is seen first
 * has its turn. Where it can't tell, soon after the page is there.
 */
export function useIdle(): boolean {
  useEffect(ask, []);
  return useStore(stands);
}
