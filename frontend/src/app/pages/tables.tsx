import { getRouteApi } from '@tanstack/react-router';

import { TableExplorer } from '@/components/tables/TableExplorer';

const tables = getRouteApi('/tables');

export function TablesPage() {
  return <TableExplorer {...tables.useSearch()} />;
}
