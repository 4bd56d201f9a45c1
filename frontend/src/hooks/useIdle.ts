import { useEffect, useState } from 'react';

/** Milliseconds after which a page that is still at work counts as standing. */
const AT_LATEST = 2000;

/** The browser was idle once; pages after the first come with all code there. */
let stands = false;

/**
 * Whether the browser had nothing to do for the page once, or not for long enough, so that what is beside what is seen first
 * has its turn. Where it can't tell, soon after the page is there.
 */
export function useIdle(): boolean {
  const [idle, setIdle] = useState(stands);
  useEffect(() => {
    if (idle) return undefined;
    const done = () => {
      stands = true;
      setIdle(true);
    };
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(done, AT_LATEST / 4);
      return () => clearTimeout(timer);
    }
    const asked = requestIdleCallback(done, { timeout: AT_LATEST });
    return () => cancelIdleCallback(asked);
  }, [idle]);
  return idle;
}
