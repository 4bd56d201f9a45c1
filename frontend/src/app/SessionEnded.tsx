import { Dialog, DialogContent, DialogDescription, DialogTitle } from '@/components/ui/dialog';

import { SignInForm } from './SignIn';

/** Signs in again over the page, which stays as it is. */
export function SessionEnded() {
  return (
    <Dialog open>
      <DialogContent closable={false} className="max-w-sm">
        <DialogTitle className="font-medium">Your session has ended</DialogTitle>
        <DialogDescription className="mt-1 mb-4 text-muted-foreground">
          Sign in again; the page and what you typed stay as they are.
        </DialogDescription>
        <SignInForm />
      </DialogContent>
    </Dialog>
  );
}
