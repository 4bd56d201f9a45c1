import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import { ListChecks, Puzzle, SunMoon, Table2, Wrench } from 'lucide-react';
import { useDeferredValue, useState, type ReactNode } from 'react';

import { client } from '@/api/client';
import { worstTables } from '@/api/tables';
import { Dialog, DialogContent, DialogDescription, DialogTitle } from '@/components/ui/dialog';
import { useApi } from '@/hooks/useApi';
import { dark, theme } from '@/lib/theme';

const FOUND = 12;

/** Tables of a catalog whose name holds `search`, from the server: the list on screen need not be whole. */
function useFound(search: string, catalog: string | undefined) {
  const first = useQuery({ ...worstTables(catalog), enabled: search === '' });
  const found = useQuery({
    queryKey: ['tables', 'found', catalog ?? null, search],
    enabled: search !== '',
    queryFn: async ({ signal }) => {
      const query = { search, limit: FOUND, ...(catalog && { catalog }) };
      const { data } = await client.GET('/api/tables', { params: { query }, signal });
      return data?.items ?? [];
    },
  });
  return (search === '' ? first.data?.items : found.data)?.slice(0, FOUND) ?? [];
}

function Item({
  icon: Icon,
  value,
  onSelect,
  children,
}: {
  icon: typeof Table2;
  value: string;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex cursor-default items-center gap-2.5 rounded-md px-2.5 py-2 data-[selected=true]:bg-accent data-[selected=true]:text-accent-foreground"
    >
      <Icon aria-hidden className="size-4 shrink-0 text-muted-foreground" />
      <span className="min-w-0 truncate">{children}</span>
    </Command.Item>
  );
}

const GROUP =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted-foreground';

/** Everything there is to go to or do, by a few letters. */
export default function Palette({ close }: { close: () => void }) {
  const [search, setSearch] = useState('');
  const navigate = useNavigate();
  const { name } = useParams({ strict: false });
  // What is looked at stays in its catalog.
  const { catalog } = useSearch({ strict: false });
  const tables = useFound(useDeferredValue(search.trim()), catalog);
  const operations = useApi('get', '/api/operations');
  const plugins = useApi('get', '/api/plugins');
  const act = (what: () => void) => () => {
    close();
    what();
  };
  return (
    <Dialog open onOpenChange={(open) => !open && close()}>
      <DialogContent closable={false} filled>
        <DialogTitle className="sr-only">Go to</DialogTitle>
        <DialogDescription className="sr-only">
          Type a few letters of a table, page, operation or plugin
        </DialogDescription>
        <Command loop label="Go to">
          <Command.Input
            value={search}
            onValueChange={setSearch}
            placeholder="Go to a table, page, operation, plugin …"
            className="h-12 w-full border-b border-border bg-transparent px-4 outline-none placeholder:text-muted-foreground"
          />
          <Command.List className="h-[22rem] overflow-y-auto p-1.5">
            <Command.Empty className="p-6 text-center text-muted-foreground">Nothing has these letters.</Command.Empty>
            {tables.length > 0 && (
              <Command.Group heading="Tables" className={GROUP}>
                {tables.map((table) => (
                  <Item
                    key={table.name}
                    icon={Table2}
                    value={`table ${table.name}`}
                    onSelect={act(
                      () =>
                        void navigate({
                          to: '/tables/$name/$tab',
                          params: { name: table.name, tab: 'overview' },
                          search: { catalog },
                        }),
                    )}
                  >
                    {table.name}
                    {table.health && (
                      <span className="ml-2 text-muted-foreground tabular-nums">{table.health.score}</span>
                    )}
                  </Item>
                ))}
              </Command.Group>
            )}
            {name && operations.data && (
              <Command.Group heading={`On ${name}`} className={GROUP}>
                {operations.data.items.map(({ id, title }) => (
                  <Item
                    key={id}
                    icon={Wrench}
                    value={`operation ${title} ${id}`}
                    onSelect={act(
                      () =>
                        void navigate({
                          to: '/tables/$name/$tab',
                          params: { name, tab: 'operations' },
                          search: { catalog, op: id },
                        }),
                    )}
                  >
                    {title} …
                  </Item>
                ))}
              </Command.Group>
            )}
            <Command.Group heading="Pages" className={GROUP}>
              <Item
                icon={Table2}
                value="page tables"
                onSelect={act(() => void navigate({ to: '/tables', search: { catalog } }))}
              >
                Tables
              </Item>
              <Item icon={ListChecks} value="page jobs" onSelect={act(() => void navigate({ to: '/jobs' }))}>
                Jobs
              </Item>
              <Item icon={Puzzle} value="page plugins" onSelect={act(() => void navigate({ to: '/plugins' }))}>
                Plugins
              </Item>
              <Item
                icon={SunMoon}
                value="theme light dark"
                onSelect={act(() => theme.set(dark.get() ? 'light' : 'dark'))}
              >
                Light or dark
              </Item>
            </Command.Group>
            {plugins.data && plugins.data.items.length > 0 && (
              <Command.Group heading="Plugins" className={GROUP}>
                {plugins.data.items.map(({ id, title }) => (
                  <Item
                    key={id}
                    icon={Puzzle}
                    value={`plugin ${title ?? ''} ${id}`}
                    onSelect={act(() => void navigate({ to: '/plugins/$id/$tab', params: { id, tab: 'overview' } }))}
                  >
                    {title ?? id} <span className="text-muted-foreground">{id}</span>
                  </Item>
                ))}
              </Command.Group>
            )}
          </Command.List>
        </Command>
      </DialogContent>
    </Dialog>
  );
}
