import { api } from './client';

/** The newest jobs that the tray shows at least, and the running ones that it counts at most. */
export const TRAY_SHOWS = 6;
const COUNTED = 100;

export const newestJobs = api.queryOptions('get', '/api/jobs', { params: { query: { limit: TRAY_SHOWS } } });
export const runningJobs = api.queryOptions('get', '/api/jobs', {
  params: { query: { ended: false, limit: COUNTED } },
});

export function oneJob(id: string) {
  return api.queryOptions('get', '/api/jobs/{id}', { params: { path: { id } } });
}
