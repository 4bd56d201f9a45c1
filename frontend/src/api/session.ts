import { client, onAnswer, type Schemas } from './client';
import { asProblem } from './problem';
import { askAnew, queryClient } from './queryClient';

export type Session = Schemas['Session'];
export type Role = Schemas['Role'];

/** Each role holds the rights of those before it. */
const ROLES: Role[] = ['viewer', 'operator', 'approver', 'admin'];

/** Whether somebody with the role `has` may do what `needed` may. */
export function allows(has: Role, needed: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needed);
}

/** Who is signed in; null for nobody. Asked for by public/early.js already. */
export const sessionQuery = {
  queryKey: ['session'],
  staleTime: Infinity,
  queryFn: async (): Promise<Session | null> => {
    try {
      const { data } = await client.GET('/api/session');
      return data ?? null;
    } catch (error) {
      if (asProblem(error).status === 401) return null;
      throw error;
    }
  },
};

/** Signs in by name and password, or by the code of a link, and reads everything anew as that user. */
export async function signIn(body: Schemas['SignIn']): Promise<void> {
  const { data } = await client.POST('/api/session', { body });
  queryClient.setQueryData(sessionQuery.queryKey, data ?? null);
  await askAnew({ predicate: (query) => query.queryKey[0] !== 'session' });
}

/** Ends the session. The page begins anew: nothing that was read in it stays, in view or in memory. */
export async function signOut(): Promise<void> {
  await client.DELETE('/api/session');
  window.location.reload();
}

/** Where any answer says that nobody is signed in, the session is over. */
export function watchSession(): () => void {
  return onAnswer(({ status, path }) => {
    if (status === 401 && path !== '/api/session') queryClient.setQueryData(sessionQuery.queryKey, null);
  });
}
