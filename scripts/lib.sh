# shellcheck shell=bash
# Sourced by the scripts beside it: where things lie, and the environment that every step of a build shares.

# shellcheck disable=SC2034  # used by those who source this
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Everything that is downloaded or made once a machine: environments, jars, tools. Safe to delete.
export DRLS_CACHE=${DRLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/drls}

# PyO3 links this interpreter's libpython. The path is the same for every lock, so a new lock does not rebuild the
# server by itself.
export PYO3_PYTHON=$top/.venv/bin/python

step() { echo "drls: $*" >&2; }
die() { echo "drls: $*" >&2; exit 1; }
