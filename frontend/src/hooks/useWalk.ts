import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';

/** Rows that Page Up and Page Down go by. */
const PAGE = 10;

/**
 * A long list of rows of one height, of which only those in sight are in the document. Keys walk through it: Tab reaches
 * one row, and arrow keys, Page Up and Down, Home and End go on from there; that row stays in the document.
 */
export function useWalk(count: number, height: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const [walked, setWalked] = useState(0);
  const stop = Math.max(0, Math.min(at, count - 1));
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), stop])].sort((a, b) => a - b),
  });
  // Only what a key has chosen takes the focus.
  useEffect(() => {
    if (walked > 0) scroller.current?.querySelector<HTMLElement>('[data-stop]')?.focus({ preventScroll: true });
  }, [walked]);
  const walk = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      j: 1,
      k: -1,
      PageDown: PAGE,
      PageUp: -PAGE,
      Home: -count,
      End: count,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(stop + step, count - 1));
    virtual.scrollToIndex(next);
    setAt(next);
    setWalked(walked + 1);
  };
  /** What the control of a row is given: the keys, and whether Tab reaches it. */
  const control = (index: number) => ({
    tabIndex: index === stop ? 0 : -1,
    'data-stop': index === stop ? '' : undefined,
    onFocus: () => setAt(index),
    onKeyDown: walk,
  });
  return { scroller, virtual, control };
}
