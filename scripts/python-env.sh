#!/usr/bin/env bash
# Makes the Python environment of DRLS from python/requirements.lock and prints its path.
#
#   scripts/python-env.sh           make it where it is missing, link .venv to it
#   scripts/python-env.sh --lock    write python/requirements.lock again from requirements.in
#
# DRLS_PYTHON chooses the interpreter (default python3; at least 3.10, with a shared libpython, which the server embeds).
# DRLS_CACHE chooses the folder (default ~/.cache/drls). The folder's name carries a hash of the lock and of the
# interpreter, so that another lock makes another environment and going back to an older one costs nothing.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
lock=$top/python/requirements.lock
cache=${DRLS_CACHE:-$HOME/.cache/drls}
python=${DRLS_PYTHON:-python3}
say() { echo "python-env: $*" >&2; }

command -v "$python" >/dev/null || {
  say "$python is not here. Install Python 3.10 or newer (Debian: apt install python3 python3-venv python3-dev) or set DRLS_PYTHON."
  exit 1
}
# One line: version, ABI, and whether libpython is shared. The real path tells two builds of one version apart.
about=$("$python" - <<'PY'
import os, sys, sysconfig
print(sys.version.split()[0], sys.implementation.cache_tag, sysconfig.get_platform(),
      os.path.realpath(sys.executable), int(bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))),
      int(sys.version_info >= (3, 10)))
PY
)
[ "${about##* }" = 1 ] || { say "$python is ${about%% *}; DRLS needs Python 3.10 or newer. Set DRLS_PYTHON to one."; exit 1; }
about=${about% *}
[ "${about##* }" = 1 ] || {
  say "$python has no shared libpython, which the server embeds. Use your system's python3 with its development package (Debian: apt install python3-dev), or build with --enable-shared, and set DRLS_PYTHON."
  exit 1
}

if [ "${1:-}" = --lock ]; then
  tools=$(mktemp -d); trap 'rm -rf "$tools"' EXIT
  "$python" -m venv "$tools"
  "$tools/bin/pip" install --quiet uv
  cd "$top/python"
  # One lock for every supported Python: markers choose. No index address is written into it.
  "$tools/bin/uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header requirements.in --output-file requirements.lock
  say "wrote python/requirements.lock"
  exit 0
fi

hash=$( (cat "$lock"; echo "$about") | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-16)
venv=$cache/venv-$hash
mkdir -p "$cache"
if [ ! -e "$venv/.complete" ]; then
  # One maker at a time; mkdir is atomic everywhere, flock is not everywhere.
  until mkdir "$venv.making" 2>/dev/null; do
    owner=$(cat "$venv.making/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$venv.making"; continue; fi
    sleep 1
  done
  echo $$ >"$venv.making/pid"
  trap 'rm -rf "$venv.making"' EXIT
  if [ ! -e "$venv/.complete" ]; then
    say "making $venv (once for this lock: about 1 GB)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || { say "$python has no venv module (Debian: apt install python3-venv)"; exit 1; }
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" >&2
    touch "$venv/.complete"
  fi
fi
ln -sfn "$venv" "$top/.venv"
echo "$venv"
