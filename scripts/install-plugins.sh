#!/usr/bin/env bash
# Installs the built first-party plugins into a home: those that are missing there, and those whose build changed since
# they were installed. A plugin that the operator put in the place of one of ours stays until ours changes.
#
#   scripts/install-plugins.sh HOME
set -euo pipefail
. "$(dirname "$0")/lib.sh"
home=${1:?the home to install into, for example ~/.drls}

# Copies of what was installed last; outside the folder that the server watches.
installed=$home/.first-party
mkdir -p "$installed"
for built in "$top"/target/plugins/*.wasm; do
  [ -e "$built" ] || die "target/plugins is empty: make build"
  name=$(basename "$built")
  if [ -e "$home/plugins/$name" ] && cmp -s "$built" "$installed/$name"; then continue; fi
  "$top/target/release/drls" plugin install "$built" --home "$home" --allow-downgrade >&2
  cp "$built" "$installed/$name"
done
