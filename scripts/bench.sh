#!/usr/bin/env bash
# Measures the product beside floors and peers, writes tests/bench/results/ and prints one table. Words are handed on to
# tests/bench/run.py (--tables N, --only PART). DRLS_BIN and DRLS_PLUGINS measure what lies elsewhere, and build nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

if [ -z "${DRLS_BIN:-}" ]; then
  scripts/build.sh
  target/release/drls plugin build examples/third-party/unpartitioned
  # By checksum, once: what the runtime is measured beside.
  extism=$DRLS_CACHE/extism-$(sha256sum tests/bench/requirements.lock | cut -c1-16)
  if [ ! -d "$extism" ]; then
    "$PYO3_PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
      --target "$extism.part" -r tests/bench/requirements.lock
    mv "$extism.part" "$extism"
  fi
  libraries=("$extism"/extism_sys/libextism_sys.*)
  # Without a cache of its own, as ours has none there.
  export DRLS_EXTISM=${libraries[0]} EXTISM_CACHE_CONFIG=
  # Their rows are in the table below too.
  cargo bench -p drls-runtime --benches >/dev/null
else
  scripts/python-env.sh >/dev/null
fi
export PYTHONPATH=python:tests/server:tests/support
exec "$PYO3_PYTHON" tests/bench/run.py "$@"
