#!/usr/bin/env bash
# Builds, makes the sample lakehouse in the home, and serves it. A second run answers within three seconds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
export DRLS_HOME=${DRLS_HOME:-$HOME/.drls}

bind=${BIND:-127.0.0.1:3000}
if (exec 3<>"/dev/tcp/${bind%:*}/${bind##*:}") 2>/dev/null; then
  die "something listens on $bind already: stop it, or choose another address: BIND=127.0.0.1:3001 make run"
fi

scripts/build.sh
# Makes the home, for its owner alone, or says why it can't be made.
target/release/drls migrate >/dev/null
scripts/install-plugins.sh "$DRLS_HOME"
# Once a home: whoever drops a table of the sample afterwards does not get it back unasked (`drls demo` makes it again).
made=$DRLS_HOME/.sample-made
if [ ! -e "$made" ] || [ ! -e "$DRLS_HOME/catalog.db" ]; then
  step "making the sample lakehouse in $DRLS_HOME (under a minute)"
  target/release/drls demo >/dev/null
  touch "$made"
fi
# exec: Ctrl-C reaches the server itself, and make sees it end well.
exec target/release/drls serve --home "$DRLS_HOME" --bind "$bind"
