#!/usr/bin/env bash
# Removes what was built in this checkout. Downloads (Python packages, jars, tools) stay in the cache, the lakehouse in
# its home.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

# `target` may be a link into the cache: then it is emptied, and stays.
if [ -L target ]; then find target/ -mindepth 1 -delete; else rm -rf target; fi
rm -rf frontend/dist frontend/node_modules plugins/target .venv .mypy_cache .ruff_cache .pytest_cache python/.mypy_cache python/.ruff_cache python/.pytest_cache
find python scripts tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
step "removed what was built here; downloads are kept in $DRLS_CACHE (delete it to be rid of them too)"
