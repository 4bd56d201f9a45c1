import { useEffect, useState } from 'react';

/** Milliseconds after which a page that is still at work counts as standing. */
const AT_LATEST = 2000;

/** The first page stands; those after it come one at a time, with all code there. */
let stands = false;

/**
 * Whether what is seen first stands: the browser had nothing to do for it once, and what is beside it has its turn. Where it
 * can't tell, soon after the page is there.
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
