import { CircleUserRound } from 'lucide-react';

import type { Session } from '@/api/session';
import { Button, type ButtonProps } from '@/components/ui/button';

/** Says who one is, and opens the menu. */
export function UserButton({ session: { name, role }, ...props }: ButtonProps & { session: Session }) {
  return (
    <Button
      variant="ghost"
      size="sm"
      aria-label={`Signed in as ${name}, ${role}`}
      aria-haspopup="menu"
      data-opens="menu"
      {...props}
    >
      <CircleUserRound />
      <span className="max-w-28 truncate max-md:hidden">{name}</span>
    </Button>
  );
}
