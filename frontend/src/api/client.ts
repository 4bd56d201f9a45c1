import createFetchClient from 'openapi-fetch';
import createQueryClient from 'openapi-react-query';

import { learnClock } from '@/lib/clock';
import { learnNewest } from '@/lib/cursor';

import { asProblem, foreign, isForeign, noAnswer, readProblem } from './problem';
import type { components, paths } from './schema';

/** The bodies that the server's OpenAPI description names. */
export type Schemas = components['schemas'];

type Listener = (answered: { status: number; path: string; newest: string | null }) => void;
const listeners = new Set<Listener>();

/** Tells of every answer's status (0: none came), and of the newest event when it was asked for. Answers how to stop. */
export function onAnswer(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(status: number, url: string, newest: string | null = null) {
  const { pathname } = new URL(url);
  for (const listener of listeners) listener({ status, path: pathname, newest });
}

/** A whole answer or none: one that breaks off in the middle fails as one that never came. */
async function whole(request: Request): Promise<Response> {
  const response = await fetch(request);
  // With these not even an empty body may be given.
  if ([204, 205, 304].includes(response.status)) return response;
  return new Response(await response.arrayBuffer(), response);
}

/** Typed by the committed OpenAPI description. An answer of 400 or more is thrown as an `ApiProblem`. */
export const client = createFetchClient<paths>({ baseUrl: window.location.origin, fetch: whole });

client.use({
  async onResponse({ request, response }) {
    learnClock(response.headers.get('date'));
    const newest = response.headers.get('x-newest-event');
    if (response.ok) learnNewest(newest);
    tell(response.status, request.url, newest);
    if (!response.ok) throw await readProblem(response);
    if (isForeign(response)) throw foreign(response);
  },
  onError({ request, error }) {
    // That is how `fetch` says that no answer came; everywhere else it is a mistake of our own.
    if (!(error instanceof TypeError)) return asProblem(error);
    tell(0, request.url);
    return noAnswer();
  },
});

/** The same, as queries and mutations of TanStack Query. */
export const api = createQueryClient(client);

/**
 * A key for `Idempotency-Key`: a click that is sent twice starts one job. Not `crypto.randomUUID`, which plain HTTP has
 * on this machine alone.
 */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
