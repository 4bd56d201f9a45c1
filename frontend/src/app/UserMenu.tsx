import { BookOpen, LogOut } from 'lucide-react';

import { signOut, type Session } from '@/api/session';
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu';
import { useStore } from '@/lib/store';
import { notifyFailure } from '@/lib/notices';
import { theme, type Theme } from '@/lib/theme';

import { UserButton } from './UserButton';

const THEMES: Record<Theme, string> = { light: 'Light', dark: 'Dark', system: 'As the system' };

function isTheme(text: string): text is Theme {
  return text in THEMES;
}

/** Who one is, the theme, and the way out. */
export function UserMenu({
  session,
  open,
  setOpen,
}: {
  session: Session;
  open: boolean;
  setOpen: (open: boolean) => void;
}) {
  const chosen = useStore(theme);
  return (
    // The rest of the page stays there for those who hear it, as beside the tray.
    <DropdownMenu modal={false} open={open} onOpenChange={setOpen}>
      <DropdownMenuTrigger asChild>
        <UserButton session={session} />
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>
          {session.name} · {session.role}
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        <DropdownMenuLabel>Theme</DropdownMenuLabel>
        <DropdownMenuRadioGroup value={chosen} onValueChange={(next) => isTheme(next) && theme.set(next)}>
          {Object.entries(THEMES).map(([value, label]) => (
            <DropdownMenuRadioItem key={value} value={value}>
              {label}
            </DropdownMenuRadioItem>
          ))}
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => window.open('/api/openapi.json', '_blank', 'noopener')}>
          <BookOpen /> The HTTP API
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => void signOut().catch(notifyFailure('You are still signed in'))}>
          <LogOut /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
