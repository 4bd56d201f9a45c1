import { getRouteApi } from '@tanstack/react-router';

import { TableDetail } from '@/components/tables/TableDetail';
import { TableExplorer } from '@/components/tables/TableExplorer';
import { isTab } from '@/components/tables/tabs';

const tables = getRouteApi('/tables');
const table = getRouteApi('/tables/$name/$tab');

export function TablesPage() {
  return <TableExplorer {...tables.useSearch()} />;
}

export function TablePage() {
  const { name, tab } = table.useParams();
  return <TableDetail {...table.useSearch()} name={name} tab={isTab(tab) ? tab : 'overview'} />;
}
