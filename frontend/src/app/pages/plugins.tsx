import { getRouteApi } from '@tanstack/react-router';

import { PluginPage as Plugin } from '@/components/plugins/PluginPage';
import { isTab } from '@/components/plugins/tabs';

export { PluginsPage } from '@/components/plugins/PluginsPage';

const plugin = getRouteApi('/plugins/$id/$tab');

export function PluginPage() {
  const { id, tab } = plugin.useParams();
  return <Plugin id={id} tab={isTab(tab) ? tab : 'overview'} />;
}
