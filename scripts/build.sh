#!/usr/bin/env bash
# Makes everything that the server needs: Python environment, jars, the binary, the plugins. Where nothing changed, it
# takes about a second.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

scripts/check-tools.sh "$@"
scripts/python-env.sh >/dev/null
# By checksum, once; nothing is asked of the network where they are in the cache.
PYTHONPATH=python "$PYO3_PYTHON" -m drls.jars >/dev/null
cargo build --release -p drls
# First the toolchain, so that a download is seen as such and not as a plugin that takes minutes.
exports=$(scripts/wasm-toolchain.sh)
eval "$exports"
target/release/drls plugin build --all plugins --out-dir target/plugins | { grep -v '^up to date' >&2 || true; }
