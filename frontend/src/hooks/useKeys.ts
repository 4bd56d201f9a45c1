import { useLayoutEffect } from 'react';

import { singleKeys } from '@/lib/singleKeys';

/** What keys do, by their name (`?`, `/`, `g t` for one after the other, `mod+k`). */
export type Keys = Record<string, () => void>;

const PAUSE = 1000;

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Listens to keys anywhere on the page, except while somebody types. */
export function useKeys(keys: Keys): void {
  // They hold as soon as what they are for is seen.
  useLayoutEffect(() => {
    let before = '';
    let at = 0;
    const press = (event: KeyboardEvent) => {
      const held = event.metaKey || event.ctrlKey;
      if (event.defaultPrevented || event.altKey || (typing(event.target) && !held)) return;
      if (!held && !singleKeys.get()) return;
      // A dialog that is open has the keys to itself.
      if (!held && document.querySelector('[role=dialog][data-state=open]')) return;
      const name = held ? `mod+${event.key.toLowerCase()}` : event.key;
      const pair = event.timeStamp - at < PAUSE ? `${before} ${name}` : '';
      const act = keys[pair] ?? keys[name];
      before = name;
      at = event.timeStamp;
      if (!act) return;
      event.preventDefault();
      before = '';
      act();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [keys]);
}
