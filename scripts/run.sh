#!/usr/bin/env bash
# Builds, makes the sample lakehouse in the home, and serves it. A second run answers within three seconds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
export DRLS_HOME=${DRLS_HOME:-$HOME/.drls}

scripts/build.sh
scripts/install-plugins.sh "$DRLS_HOME"
target/release/drls demo
# exec: Ctrl-C reaches the server itself, and make sees it end well.
exec target/release/drls serve --home "$DRLS_HOME" --bind "${BIND:-127.0.0.1:3000}"
