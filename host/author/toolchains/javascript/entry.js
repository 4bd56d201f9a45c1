// The component's own module: the plugin's object behind the exports of its world.
import plugin from './plugin/plugin.js';
import { write } from 'drls:plugin/log@0.1.0';
import * as guest from './drls-plugin/guest.js';
{{http}}
export const {{interface}} = guest.{{interface}}(plugin, write);
