#!/usr/bin/env bash
# Makes the browser console: frontend/node_modules from the lock file, frontend/dist from the sources. Where nothing
# changed, it takes no time.
#
#   scripts/console.sh             both
#   scripts/console.sh --modules   the packages alone, for what only tests or checks
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top/frontend"

# npm writes its own copy of the lock when it is done: one that is newer than ours is whole and fits.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  step "bringing the packages of the console"
  npm ci --prefer-offline --no-progress >&2
  touch node_modules/.package-lock.json
fi
[ "${1:-}" != --modules ] || exit 0

sources=(src public index.html package.json package-lock.json vite.config.ts)
if [ ! -e dist/index.html ] || [ -n "$(find "${sources[@]}" -newer dist/index.html -print -quit)" ]; then
  step "building the console"
  npm run --silent build >&2
fi
