import type { LinkProps } from '@tanstack/react-router';

import { asProblem } from '@/api/problem';

import { createStore } from './store';

/** A short word to the user, in a corner, that goes by itself. */
export interface Notice {
  id: number;
  tone: 'info' | 'good' | 'bad';
  title: string;
  detail?: string;
  /** Where to read on. */
  link?: Pick<LinkProps, 'to' | 'params'> & { label: string };
}

/** At most so many at once: the oldest gives way. */
const MOST = 4;
let last = 0;

export const notices = createStore<Notice[]>([]);

export function notify(notice: Omit<Notice, 'id'>): void {
  // The same word again only counts once.
  const others = notices.get().filter((one) => one.title !== notice.title);
  last += 1;
  notices.set([...others, { ...notice, id: last }].slice(-MOST));
}

/** For what a click asked for and did not get; `what`: "It can’t be undone". */
export function notifyFailure(what: string) {
  return (error: unknown) => {
    const { message, requestId } = asProblem(error);
    notify({ tone: 'bad', title: `${what}: ${message}`, ...(requestId && { detail: `request ${requestId}` }) });
  };
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((one) => one.id !== id));
}
