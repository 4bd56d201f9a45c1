#!/usr/bin/env bash
# Writes, operates, undoes, evolves and kills at random for an hour and holds every table to a model: `make soak`.
# SOAK_SECONDS is how long, SOAK_SEED where the seeds come from (printed). Words are handed on to tests/soak/run_soak.py:
# --seed N --bursts N [--spark] [--kills] runs one round again. DRLS_BIN and DRLS_PLUGINS take another build.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

if [ -z "${DRLS_BIN:-}" ]; then
  scripts/build.sh
else
  scripts/python-env.sh >/dev/null
fi
export PYTHONPATH=python:tests/server:tests/support
if [ $# -eq 0 ]; then
  set -- --spark --kills --seconds "${SOAK_SECONDS:-3600}" ${SOAK_SEED:+--master "$SOAK_SEED"}
fi
exec "$PYO3_PYTHON" tests/soak/run_soak.py "$@"
