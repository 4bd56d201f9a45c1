import { afterEach, expect, test, vi } from 'vitest';

import type { Heard, Said } from '@/lib/feed';

/** The worker that tabs share, with a feed that the test speaks for: its own is a browser's. */
class Source extends EventTarget {
  static readonly CLOSED = 2;
  static readonly OPEN = 1;
  static made: Source[] = [];
  readyState = 0;
  onopen = () => {};
  onerror = () => {};
  constructor(readonly address: string) {
    super();
    Source.made.push(this);
  }
  close() {
    this.readyState = Source.CLOSED;
  }
  tell(number: number, kind = 'job.changed', run = 'run') {
    const event = Object.assign(new Event(kind), { lastEventId: `${run}-${number}`, data: `{"number":${number}}` });
    this.dispatchEvent(event);
  }
}

interface Tab {
  says: (said: Said) => void;
  heard: Heard[];
}

/** Starts the worker; gives what opens a tab on it. */
async function worker(): Promise<() => Tab> {
  vi.resetModules();
  Source.made = [];
  vi.stubGlobal('EventSource', Source);
  let connect: (event: MessageEvent) => void = () => {};
  vi.stubGlobal('addEventListener', (_kind: string, listens: typeof connect) => (connect = listens));
  await import('@/lib/feedWorker');
  return () => {
    const heard: Heard[] = [];
    const port: { postMessage: (one: Heard) => void; onmessage: (said: { data: Said }) => void } = {
      postMessage: (one) => void heard.push(one),
      onmessage: () => undefined,
    };
    connect(Object.defineProperty(new MessageEvent('connect'), 'ports', { value: [port] }));
    return { heard, says: (data) => port.onmessage({ data }) };
  };
}

const ids = (tab: Tab) => tab.heard.flatMap((one) => (one.what === 'event' ? [`${one.kind} ${one.id}`] : []));

afterEach(() => {
  vi.unstubAllGlobals();
});

test('all tabs hear by one connection, each from where its answers are of', async () => {
  const tab = await worker();
  const [first, second, third] = [tab(), tab(), tab()];
  first.says({ open: 'run-3' });
  const [source] = Source.made;
  expect(source?.address).toBe('/api/events?after=run-3');
  source?.tell(4);
  source?.tell(5);
  second.says({ open: 'run-4' });
  source?.tell(6);
  third.says({ open: 'run-6' });
  source?.tell(7);
  const told = (...numbers: number[]) => numbers.map((number) => `job.changed run-${number}`);
  expect(ids(first)).toEqual(told(4, 5, 6, 7));
  expect(ids(second)).toEqual(told(5, 6, 7));
  expect(ids(third)).toEqual(told(7));
  expect(Source.made).toHaveLength(1);
});

test('a tab whose answers are older than what is kept, or of another run of the server, is told to ask anew', async () => {
  const tab = await worker();
  const [first, older, other, later] = [tab(), tab(), tab(), tab()];
  first.says({ open: 'run-3' });
  Source.made[0]?.tell(4);
  older.says({ open: 'run-2' });
  other.says({ open: 'before-9' });
  expect([ids(older), ids(other)]).toEqual([['lost run-4'], ['lost run-4']]);
  Source.made[0]?.tell(2, 'lost', 'after');
  later.says({ open: 'after-2' });
  Source.made[0]?.tell(3, 'job.changed', 'after');
  expect(ids(later)).toEqual(['job.changed after-3']);
});

test('more than is kept is not kept', async () => {
  const tab = await worker();
  const [first, older, newer] = [tab(), tab(), tab()];
  first.says({ open: 'run-0' });
  for (let number = 1; number <= 1030; number += 1) Source.made[0]?.tell(number);
  older.says({ open: 'run-5' });
  newer.says({ open: 'run-6' });
  expect(ids(older)).toEqual(['lost run-1030']);
  expect(ids(newer)).toHaveLength(1024);
});

test('the connection ends with the last tab, and a new one begins where the next tab says', async () => {
  const tab = await worker();
  const [first, second, third] = [tab(), tab(), tab()];
  first.says({ open: 'run-0' });
  second.says({ open: 'run-0' });
  first.says('end');
  Source.made[0]?.tell(1);
  expect(ids(first)).toEqual([]);
  expect(ids(second)).toEqual(['job.changed run-1']);
  second.says('end');
  expect(Source.made[0]?.readyState).toBe(Source.CLOSED);
  third.says({ open: 'run-7' });
  expect(Source.made[1]?.address).toBe('/api/events?after=run-7');
  expect(ids(third)).toEqual([]);
});
