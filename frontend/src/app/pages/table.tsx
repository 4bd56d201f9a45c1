import { getRouteApi } from '@tanstack/react-router';

import { TableDetail } from '@/components/tables/TableDetail';
import { isTab } from '@/components/tables/tabs';

const table = getRouteApi('/tables/$name/$tab');

export function TablePage() {
  const { name, tab } = table.useParams();
  return <TableDetail {...table.useSearch()} name={name} tab={isTab(tab) ? tab : 'overview'} />;
}
