import { api } from '@/api/client';

/**
 * Reads a route: `useApi('get', '/api/table/{name}/health', {params: ...})`, typed by the OpenAPI description. Answers are
 * shared by everything that asks the same and kept fresh by the live feed (hooks/useWebSocket).
 */
export const useApi = api.useQuery;

/** Changes something by a route: `useChange('post', '/api/jobs/{id}/undo')`. */
export const useChange = api.useMutation;
