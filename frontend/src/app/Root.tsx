import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { sessionQuery, watchSession } from '@/api/session';
import { ErrorState } from '@/components/common/ErrorState';
import { Notices } from '@/components/common/Notices';
import { Dialog, DialogContent, DialogDescription, DialogTitle } from '@/components/ui/dialog';
import { useWebSocket } from '@/hooks/useWebSocket';

import { Shell } from './Shell';
import { SignInForm, SignInPage } from './SignIn';

/** Who is there decides what is shown. A session that ends in the middle leaves the page, and what was typed, in place. */
export function Root() {
  const session = useQuery(sessionQuery);
  const [wasIn, setWasIn] = useState(false);
  if (session.data && !wasIn) setWasIn(true);
  useEffect(watchSession, []);
  useWebSocket(Boolean(session.data));

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
      <Dialog open={!session.data}>
        <DialogContent closable={false} className="max-w-sm">
          <DialogTitle className="font-medium">Your session has ended</DialogTitle>
          <DialogDescription className="mt-1 mb-4 text-muted-foreground">
            Sign in again; the page and what you typed stay as they are.
          </DialogDescription>
          <SignInForm />
        </DialogContent>
      </Dialog>
      <Notices />
    </>
  );
}
