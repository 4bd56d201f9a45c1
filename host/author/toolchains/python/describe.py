"""Prints what a plugin's main file exports, as JSON: kind and facts. Arguments: folder of the plugin, of the SDK."""

import json
import sys
import traceback

plugin, sdk = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path[:0] = [plugin, f"{plugin}/vendor", sdk]
try:
    import plugin as _
    from drls_plugin.plugin import exported

    found = exported()
except BaseException as error:
    # Frames of this file and of the import machinery say nothing to an author.
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(plugin)]
    place = "".join(traceback.format_list(frames)).replace(f"{plugin}/", "")
    sys.exit(place + "".join(traceback.format_exception_only(error)).strip())
facts = sorted(name.replace("_", "-") for name in found.made_by.reads)
print(json.dumps({"kind": found.kind, "facts": facts}))
