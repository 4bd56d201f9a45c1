import { useEffect } from 'react';

import { client, onAnswer } from '@/api/client';
import { take } from '@/api/live';
import { askAnew } from '@/api/queryClient';
import { connection, setHere, setLive } from '@/lib/connection';
import { feedStart, forgetAnswers, isOlder } from '@/lib/cursor';
import { openFeed } from '@/lib/feed';

const PAUSE = 2000;

/**
 * The live feed, for who is signed in: what the server tells goes into the cache of answers, so that every page follows
 * without asking. It begins with what happened since the oldest answer was asked for. Where the feed or an answer breaks off,
 * the server is asked every two seconds until it is back, and then for everything that is on screen.
 */
export function useWebSocket(follow: boolean): void {
  useEffect(() => {
    if (!follow) return undefined;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let ended = false;
    const start = feedStart();
    let seen = start;

    const feed = openFeed((heard) => {
      if (heard.what === 'open') setLive(true);
      if (heard.what === 'broken') {
        setLive(false);
        look();
      }
      if (heard.what === 'event') {
        const body: unknown = JSON.parse(heard.body);
        seen = heard.id;
        take(heard.kind, body);
      }
    });

    const look = () => {
      if (ended || timer) return;
      timer = setTimeout(
        () => {
          void client
            .GET('/api/health')
            .then(() => {
              if (ended) return undefined;
              timer = null;
              setHere(true);
              feed.open(seen);
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

    const forget = onAnswer(({ status, newest }) => {
      // One that was under way since before the feed began knows nothing of what it does not tell.
      if (newest && isOlder(newest, start)) void askAnew();
      if (status > 0) {
        setHere(true);
        return;
      }
      setHere(false);
      look();
    });
    feed.open(seen);
    return () => {
      ended = true;
      forget();
      if (timer) clearTimeout(timer);
      feed.end();
      forgetAnswers();
      setLive(false);
    };
  }, [follow]);
}
