import { api } from './client';

export const allPlugins = api.queryOptions('get', '/api/plugins');
export const allOperations = api.queryOptions('get', '/api/operations');

export function onePlugin(id: string) {
  return api.queryOptions('get', '/api/plugins/{id}', { params: { path: { id } } });
}

/** So many lines of a log are told at most. */
export const LOG_LINES = 500;

export function pluginLog(id: string) {
  return api.queryOptions('get', '/api/plugins/{id}/log', { params: { path: { id }, query: { limit: LOG_LINES } } });
}
