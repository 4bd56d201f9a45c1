#!/usr/bin/env bash
# Runs the checks and every test: `make test`, or with --checks the checks alone: `make check`. Further words are
# handed on to scripts/suites.py (--only NAME, --list).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

case " $* " in *" --list "* | *" --help "*) exec "${DRLS_PYTHON:-python3}" scripts/suites.py "$@" ;; esac
scripts/check-tools.sh --checks
scripts/python-env.sh >/dev/null
tools=$(scripts/tools.sh)
exports=$(scripts/wasm-toolchain.sh)
eval "$exports"
export PATH="$tools:$PATH"
exec "$PYO3_PYTHON" scripts/suites.py "$@"
