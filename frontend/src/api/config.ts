import { queryOptions } from '@tanstack/react-query';

import { client, type Schemas } from './client';
import { ApiProblem } from './problem';

export type Settings = Schemas['Settings'];

/** The settings and the `ETag` that a change of them must name. */
export const configQuery = queryOptions({
  queryKey: ['get', '/api/config'],
  queryFn: async ({ signal }) => {
    const { data, response } = await client.GET('/api/config', { signal });
    if (!data) throw new ApiProblem(0, 'answer-not-understood', 'the server answered without settings', '');
    const settings: Settings = data.settings;
    return { settings, etag: response.headers.get('etag') ?? '' };
  },
});

/** Sets a plugin's values in the settings as they were seen; refused with 412 where somebody changed them since. */
export async function putPluginConfig(
  seen: { settings: Settings; etag: string },
  id: string,
  config: Record<string, unknown> | null,
) {
  const { [id]: own, ...others } = seen.settings.plugins;
  // What else an operator set for the plugin stays.
  const ceiling = own?.ceiling ?? { memory_mib: null, time_ms: null };
  const nothing = config === null && ceiling.memory_mib == null && ceiling.time_ms == null;
  const plugins = nothing ? others : { ...others, [id]: { ceiling, config: config ?? {} } };
  await client.PUT('/api/config', {
    params: { header: { 'If-Match': seen.etag } },
    body: { ...seen.settings, plugins },
  });
}
