import { useNavigate } from '@tanstack/react-router';

import { useApi } from '@/hooks/useApi';
import { words } from '@/lib/format';

/** Narrows the jobs to those of one operation, also to one whose plugin is gone. */
export function OperationSelect({ chosen }: { chosen: string | undefined }) {
  const operations = useApi('get', '/api/operations');
  const navigate = useNavigate({ from: '/jobs' });
  const ids = new Set(operations.data?.items.map(({ id }) => id));
  if (chosen) ids.add(chosen);
  return (
    <select
      aria-label="Operation"
      className="h-7.5 rounded-md border border-input bg-card px-2 text-[0.8125rem]"
      value={chosen ?? ''}
      onChange={({ target: { value } }) =>
        void navigate({ search: (before) => ({ ...before, op: value || undefined }) })
      }
    >
      <option value="">All operations</option>
      {[...ids].sort().map((id) => (
        <option key={id} value={id}>
          {words(id)}
        </option>
      ))}
    </select>
  );
}
