import { Link, useNavigate } from '@tanstack/react-router';
import { Wrench } from 'lucide-react';
import { useState } from 'react';

import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { OperationIcon } from '@/components/common/OperationIcon';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import type { Schemas } from '@/api/client';
import { useApi } from '@/hooks/useApi';

import { JobPanel } from './JobPanel';
import { OperationPanel } from './OperationPanel';
import type { DetailSearch, TabProps } from './tabs';

function Choice({
  operation,
  chosen,
  name,
  catalog,
}: TabProps & { operation: Schemas['OperationItem']; chosen: boolean }) {
  return (
    <li>
      <Link
        to="/tables/$name/$tab"
        params={{ name, tab: 'operations' }}
        search={{ catalog, op: operation.id }}
        aria-current={chosen || undefined}
        title={operation.summary.slice(0, 300)}
        className="flex items-center gap-2.5 rounded-md px-2.5 py-2 hover:bg-accent aria-[current=true]:bg-accent aria-[current=true]:font-medium"
      >
        <OperationIcon name={operation.icon} className="size-4 shrink-0 text-muted-foreground" />
        <span className="min-w-0 truncate">{operation.title}</span>
      </Link>
    </li>
  );
}

/** Every loaded operation: its form, the plan before anything happens, the run, and what came of it. */
export default function TableOpsPanel({ name, catalog, op, args, plan, job }: TabProps & DetailSearch) {
  const operations = useApi('get', '/api/operations');
  const navigate = useNavigate();
  const items = operations.data?.items ?? [];
  const offered = items.find((one) => one.id === op);
  // Its plugin may go while the form is open: what was typed stays.
  const [last, setLast] = useState(offered);
  if (offered && offered !== last) setLast(offered);
  const chosen = offered ?? (last?.id === op ? last : undefined);
  const show = (id: string | undefined) =>
    void navigate({
      to: '/tables/$name/$tab',
      params: { name, tab: 'operations' },
      search: { catalog, op, args, job: id },
    });

  if (operations.isError && !operations.data) {
    return (
      <ErrorState
        error={operations.error}
        title="The operations can’t be listed"
        retry={() => void operations.refetch()}
      />
    );
  }
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[14rem_minmax(0,1fr)]">
      <nav aria-label="Operations" className="card p-1.5">
        {operations.isPending && <SkeletonRows rows={9} height={36} label="The operations are being listed" />}
        <ul className="max-lg:grid max-lg:grid-cols-2 max-lg:sm:grid-cols-3">
          {items.map((operation) => (
            <Choice
              key={operation.id}
              operation={operation}
              chosen={operation.id === op}
              name={name}
              catalog={catalog}
            />
          ))}
        </ul>
      </nav>
      <div className="min-w-0 space-y-4">
        {job && <JobPanel id={job} name={name} catalog={catalog} show={show} />}
        {chosen && !job && (
          <OperationPanel
            key={`${chosen.id} ${args ?? ''}`}
            current={chosen}
            gone={!offered}
            name={name}
            catalog={catalog}
            args={args}
            planAtOnce={plan ?? false}
            started={show}
          />
        )}
        {!chosen && !job && !operations.isPending && (
          <Section title={op ? `There is no operation “${op}”` : 'Choose an operation'}>
            <EmptyState
              icon={Wrench}
              title={items.length > 0 ? 'Nothing happens before you see its plan' : 'No plugin offers an operation'}
            >
              {items.length > 0
                ? 'An operation first tells what it would do: files before and after, bytes, whether it can be undone. You run it when you like the plan.'
                : 'Drop a table operation into the plugins folder; it is here without a reload.'}
            </EmptyState>
          </Section>
        )}
      </div>
    </div>
  );
}
