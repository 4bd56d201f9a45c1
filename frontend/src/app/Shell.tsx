import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { Keyboard, ListChecks, Puzzle, Search, Table2 } from 'lucide-react';
import { lazy, useMemo, useState } from 'react';

import type { Session } from '@/api/session';
import { Part } from '@/components/common/Part';
import { Button } from '@/components/ui/button';
import { useKeys } from '@/hooks/useKeys';
import { dark, theme } from '@/lib/theme';

import { Banner } from './Banner';
import { Logo } from './Logo';
import { TrayButton } from './TrayButton';
import { UserButton } from './UserButton';
import { useOverlays } from './useOverlays';

const Palette = lazy(() => import('./Palette'));

const PLACES = [
  { to: '/tables', label: 'Tables', icon: Table2, keys: 'g t' },
  { to: '/jobs', label: 'Jobs', icon: ListChecks, keys: 'g j' },
  { to: '/plugins', label: 'Plugins', icon: Puzzle, keys: 'g p' },
] as const;

function focusSearch() {
  document.querySelector<HTMLElement>('[data-search]')?.focus();
}

function Places() {
  return (
    <nav aria-label="Console" className="flex gap-0.5">
      {PLACES.map(({ to, label, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          preload="intent"
          activeProps={{ 'aria-current': 'page' }}
          className="flex h-8.5 items-center gap-2 rounded-md px-3 text-muted-foreground hover:bg-accent hover:text-accent-foreground aria-[current=page]:bg-accent aria-[current=page]:font-medium aria-[current=page]:text-accent-foreground max-sm:px-2.5"
        >
          <Icon aria-hidden className="size-4" />
          <span className="max-sm:sr-only">{label}</span>
        </Link>
      ))}
    </nav>
  );
}

/** The frame of every page: where one can go, what runs, who one is. */
export function Shell({ session }: { session: Session | null }) {
  const navigate = useNavigate();
  const [palette, openPalette] = useState(false);
  const [keyMap, openKeyMap] = useState(false);
  const [tray, openTray] = useState(false);
  const [menu, openMenu] = useState(false);
  // It is that of a session, and the next one begins with it closed.
  if (!session && menu) openMenu(false);
  const overlays = useOverlays(tray || menu || keyMap, () => {
    openTray(false);
    openMenu(false);
    openKeyMap(false);
  });
  const keys = useMemo(
    () => ({
      '?': () => openKeyMap(true),
      'mod+k': () => openPalette(true),
      '/': focusSearch,
      'g t': () => void navigate({ to: '/tables' }),
      'g j': () => void navigate({ to: '/jobs' }),
      'g p': () => void navigate({ to: '/plugins' }),
      't d': () => theme.set(dark.get() ? 'light' : 'dark'),
    }),
    [navigate],
  );
  useKeys(keys);
  return (
    <>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-card focus:px-3 focus:py-2"
      >
        Go to the content
      </a>
      <header className="sticky top-0 z-30 border-b border-border bg-card">
        <div className="mx-auto flex h-13 max-w-[96rem] items-center gap-2 px-4 sm:gap-4 sm:px-6">
          <Link
            to="/tables"
            aria-label="DRLS, all tables"
            className="flex items-center gap-2 font-semibold tracking-tight"
          >
            <Logo size={24} />
            <span className="max-sm:hidden">DRLS</span>
          </Link>
          <Places />
          <span className="grow" />
          <Button
            variant="outline"
            size="sm"
            className="w-52 text-muted-foreground max-lg:hidden"
            onClick={() => openPalette(true)}
          >
            <span className="flex grow items-center gap-2">
              <Search /> Go to …
            </span>
            <kbd className="font-sans text-xs">Ctrl K</kbd>
          </Button>
          <Button
            variant="ghost"
            size="icon-sm"
            className="lg:hidden"
            aria-label="Go to …"
            onClick={() => openPalette(true)}
          >
            <Search />
          </Button>
          {overlays ? (
            <overlays.JobsTray open={tray} setOpen={openTray} />
          ) : (
            <TrayButton aria-expanded={false} onClick={() => openTray(true)} />
          )}
          <Button
            variant="ghost"
            size="icon-sm"
            className="max-md:hidden"
            aria-label="Keys"
            title="Keys (?)"
            onClick={() => openKeyMap(true)}
          >
            <Keyboard />
          </Button>
          {session &&
            (overlays ? (
              <overlays.UserMenu session={session} open={menu} setOpen={openMenu} />
            ) : (
              <UserButton session={session} aria-expanded={false} onClick={() => openMenu(true)} />
            ))}
        </div>
        <Banner />
        {palette && (
          <Part of="palette" fallback={null}>
            <Palette close={() => openPalette(false)} />
          </Part>
        )}
      </header>
      <main id="content" tabIndex={-1} className="outline-none">
        <Outlet />
      </main>
      {overlays && keyMap && <overlays.KeyMap close={() => openKeyMap(false)} />}
    </>
  );
}
