#!/usr/bin/env bash
# Makes everything that the server needs: Python environment, jars, the binary, the plugins, the console. Where nothing changed, it
# takes about a second: what has no quick answer of its own leaves a stamp in target/.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"

scripts/check-tools.sh "$@"
scripts/python-env.sh >/dev/null
mkdir -p target/stamps

# Brought by checksum, once. The stamp is the list of their paths, and saves reading 80 MB each time.
jars=target/stamps/jars
jars_are_there() {
  [ "$jars" -nt python/drls/jars.sha256 ] || return 1
  local jar
  while read -r jar; do [ -e "$jar" ] || return 1; done <"$jars"
}
if ! jars_are_there; then
  PYTHONPATH=python "$PYO3_PYTHON" -m drls.jars >"$jars.new"
  mv "$jars.new" "$jars"
fi

cargo build --release -p drls
scripts/console.sh

# Newer than every source and than the binary, which makes a component of what the compiler made.
plugins=target/stamps/plugins
plugins_are_built() {
  [ "$plugins" -nt target/release/drls ] && [ -d target/plugins ] &&
    [ -z "$(find plugins wit -path plugins/target -prune -o -newer "$plugins" -print -quit)" ]
}
if ! plugins_are_built; then
  # First the toolchain, so that a download is seen as such and not as a plugin that takes minutes.
  exports=$(scripts/wasm-toolchain.sh)
  eval "$exports"
  touch "$plugins.new"
  rm -f target/plugins/*.wasm
  target/release/drls plugin build --all plugins --out-dir target/plugins >&2
  mv "$plugins.new" "$plugins"
fi
