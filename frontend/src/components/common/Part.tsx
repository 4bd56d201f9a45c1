import { CatchBoundary, type ErrorComponentProps } from '@tanstack/react-router';
import { Suspense, type ReactNode } from 'react';

import { ErrorState } from './ErrorState';

/** What stands where a page or a part of it has failed; everything around it stays. */
export function PartFailed({ error, reset }: ErrorComponentProps) {
  return (
    <div className="mx-auto max-w-2xl p-6">
      <ErrorState error={error} title="This part of the console has failed" retry={reset} />
    </div>
  );
}

/** A part of a page whose code comes when it is needed. `of` tells parts apart: another one starts without the failure. */
export function Part({ of, fallback, children }: { of: string; fallback: ReactNode; children: ReactNode }) {
  return (
    <CatchBoundary getResetKey={() => of} errorComponent={PartFailed}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </CatchBoundary>
  );
}
