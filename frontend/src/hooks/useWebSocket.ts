import { useEffect } from 'react';

import { client, onAnswer } from '@/api/client';
import { EVENTS, take } from '@/api/live';
import { askAnew, queryClient } from '@/api/queryClient';
import { sessionQuery, type Session } from '@/api/session';
import { connection, setHere, setLive } from '@/lib/connection';

const PAUSE = 2000;

/**
 * The live feed while somebody is signed in: what the server tells goes into the cache of answers, so that every page
 * follows without asking. It speaks server-sent events, which resume by themselves after a break, and begins with what
 * happened since the answer that said who is signed in: no later answer can be older. Where the feed or an answer breaks
 * off, the server is asked every two seconds until it is back, and then for everything that is on screen.
 */
export function useWebSocket(signedIn: boolean): void {
  useEffect(() => {
    if (!signedIn) return undefined;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let ended = false;
    let seen = queryClient.getQueryData<Session>(sessionQuery.queryKey)?.newest_event ?? '';

    const open = () => {
      source?.close();
      const feed = new EventSource(`/api/events?${new URLSearchParams({ after: seen })}`);
      source = feed;
      feed.onopen = () => setLive(true);
      feed.onerror = () => {
        setLive(false);
        look();
      };
      for (const kind of EVENTS) {
        feed.addEventListener(kind, (event: MessageEvent<string>) => {
          const body: unknown = JSON.parse(event.data);
          seen = event.lastEventId;
          take(kind, body);
        });
      }
    };

    const look = () => {
      if (ended || timer) return;
      timer = setTimeout(
        () => {
          void client
            .GET('/api/health')
            .then(() => {
              timer = null;
              setHere(true);
              if (source?.readyState === EventSource.CLOSED) open();
              return askAnew();
            })
            .catch(() => {
              timer = null;
              look();
            });
        },
        connection.get().here ? 300 : PAUSE,
      );
    };

    const forget = onAnswer(({ status }) => {
      if (status > 0) {
        setHere(true);
        return;
      }
      setHere(false);
      look();
    });
    open();
    return () => {
      ended = true;
      forget();
      if (timer) clearTimeout(timer);
      source?.close();
      setLive(false);
    };
  }, [signedIn]);
}
