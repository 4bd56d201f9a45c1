"""The component's own module: the plugin's class behind the exports of its world."""

import plugin
from drls_plugin.guest import {{interface}}, remember_sources
{{http}}
__all__ = ["{{interface}}"]

remember_sources(plugin)
