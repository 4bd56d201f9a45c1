import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { useIdle } from '@/hooks/useIdle';
import { notifyFailure } from '@/lib/notices';

const load = () => import('./overlays');

type Overlays = Awaited<ReturnType<typeof load>>;

const focusedOpener = () =>
  document.activeElement instanceof HTMLElement ? document.activeElement.dataset.opens : undefined;

/**
 * What opens over the page: a sixth of all code, which comes once the page stands, or when one is `wanted` before. Until
 * then its buttons stand alone. Where it does not come, who wanted it is told, and `giveUp` closes what was to open.
 */
export function useOverlays(wanted: boolean, giveUp: () => void): Overlays | null {
  const [overlays, set] = useState<Overlays | null>(null);
  const stands = useIdle();
  const opener = useRef<string>(undefined);
  const ask = overlays === null && (stands || wanted);
  useEffect(() => {
    if (!ask) return;
    load().then(
      (all) => {
        opener.current = focusedOpener();
        set(all);
      },
      (error: unknown) => {
        if (!wanted) return;
        notifyFailure('It can’t be opened')(error);
        giveUp();
      },
    );
    // eslint-disable-next-line react-hooks/exhaustive-deps -- asked again where one is wanted that did not come before
  }, [ask, wanted]);
  // A button is another element once it can open something; who was on it still is.
  useLayoutEffect(() => {
    if (opener.current) document.querySelector<HTMLElement>(`[data-opens=${opener.current}]`)?.focus();
  }, [overlays]);
  return overlays;
}
