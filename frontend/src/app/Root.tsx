import { useQuery } from '@tanstack/react-query';
import { lazy, useEffect, useState } from 'react';

import { sessionQuery, watchSession } from '@/api/session';
import { ErrorState } from '@/components/common/ErrorState';
import { Notices } from '@/components/common/Notices';
import { Part } from '@/components/common/Part';
import { useIdle } from '@/hooks/useIdle';
import { useWebSocket } from '@/hooks/useWebSocket';

import { Shell } from './Shell';
import { SignInPage } from './SignIn';

const SessionEnded = lazy(async () => ({ default: (await import('./overlays')).SessionEnded }));

/** Who is there decides what is shown. A session that ends in the middle leaves the page, and what was typed, in place. */
export function Root() {
  const session = useQuery(sessionQuery);
  const [wasIn, setWasIn] = useState(false);
  if (session.data && !wasIn) setWasIn(true);
  useEffect(watchSession, []);
  // It begins with what the first answers did not know yet, so nothing is lost meanwhile.
  const stands = useIdle();
  useWebSocket(stands && Boolean(session.data));

  if (session.isPending) return null;
  if (session.isError && !session.data) {
    return (
      <main className="mx-auto max-w-xl p-6">
        <ErrorState
          error={session.error}
          title="The console can’t reach its server"
          retry={() => void session.refetch()}
        />
      </main>
    );
  }
  if (!session.data && !wasIn) return <SignInPage />;
  return (
    <>
      <Shell session={session.data ?? null} />
      {!session.data && (
        <Part of="session" fallback={null}>
          <SessionEnded />
        </Part>
      )}
      <Notices />
    </>
  );
}
