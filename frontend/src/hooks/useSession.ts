import { useQuery } from '@tanstack/react-query';

import { allows, sessionQuery, type Role } from '@/api/session';

/** Whether the user may do what needs this role. */
export function useMay(role: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return data ? allows(data.role, role) : false;
}
