#!/usr/bin/env bash
# Measures the product beside floors and peers, writes tests/bench/results/ and prints one table. Words are handed on to
# tests/bench/run.py (--tables N, --only PART). DRLS_BIN and DRLS_PLUGINS measure what lies elsewhere, and build nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

if [ -z "${DRLS_BIN:-}" ]; then
  scripts/build.sh
else
  scripts/python-env.sh >/dev/null
fi
export PYTHONPATH=python:tests/server:tests/support
exec "$PYO3_PYTHON" tests/bench/run.py "$@"
