#!/usr/bin/env bash
# Builds, makes the sample lakehouse in the home, and serves it. A second run answers within three seconds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
export DRLS_HOME=${DRLS_HOME:-$HOME/.drls}

scripts/build.sh
scripts/install-plugins.sh "$DRLS_HOME"
# Once a home: whoever drops a table of the sample afterwards does not get it back unasked (`drls demo` makes it again).
made=$DRLS_HOME/.sample-made
if [ ! -e "$made" ] || [ ! -e "$DRLS_HOME/catalog.db" ]; then
  step "making the sample lakehouse in $DRLS_HOME (under a minute)"
  target/release/drls demo >/dev/null
  touch "$made"
fi
# exec: Ctrl-C reaches the server itself, and make sees it end well.
exec target/release/drls serve --home "$DRLS_HOME" --bind "${BIND:-127.0.0.1:3000}"
