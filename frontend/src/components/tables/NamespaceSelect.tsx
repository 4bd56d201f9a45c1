import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';

import type { TableItem } from '@/api/tables';
import { count } from '@/lib/format';

import { namespaceText, namespaceTree } from './tableList';

/** The namespaces where there is no room for their tree. */
export function NamespaceSelect({ tables, chosen }: { tables: TableItem[]; chosen: string }) {
  const branches = useMemo(() => namespaceTree(tables), [tables]);
  const navigate = useNavigate({ from: '/tables' });
  return (
    <select
      aria-label="Namespace"
      className="h-9 w-full rounded-md border border-input bg-card px-2"
      value={chosen}
      onChange={({ target: { value } }) =>
        void navigate({ search: (before) => ({ ...before, ns: value ? namespaceText(value) : undefined }) })
      }
    >
      <option value="">All namespaces ({count(tables.length)})</option>
      {branches.map((branch) => (
        <option key={branch.path} value={branch.path}>
          {'\u2003'.repeat(branch.depth)}
          {branch.label} ({count(branch.tables)})
        </option>
      ))}
    </select>
  );
}
