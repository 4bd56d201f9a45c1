#!/usr/bin/env bash
# The long form of what `make test` does in a short one: first every case of the tests that take a sample, then an hour
# that writes, operates, undoes, evolves and kills at random and holds every table to a model: `make soak`.
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
  long=(tests/faults tests/server/test_kill.py tests/server/test_exact_promises.py)
  DRLS_LONG=1 "$PYO3_PYTHON" -m pytest -c python/pyproject.toml --rootdir . --timeout 3600 "${long[@]}"
  # Random file events, for so many seconds.
  DRLS_LONG=600 cargo test --release --workspace --test suite events
  set -- --spark --kills --seconds "${SOAK_SECONDS:-3600}" ${SOAK_SEED:+--master "$SOAK_SEED"}
fi
exec "$PYO3_PYTHON" tests/soak/run_soak.py "$@"
