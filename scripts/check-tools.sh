#!/usr/bin/env bash
# Lists every tool that DRLS needs and this machine has not, all at once, each with the command that brings it.
#
#   scripts/check-tools.sh            what a build and a run need
#   scripts/check-tools.sh --checks   what the checks and tests need as well
#
# Prints nothing and ends with 0 where nothing is missing; else ends with 1. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${DRLS_PYTHON:-python3}

system=other
if [ "$(uname -s)" = Darwin ]; then
  system=mac
elif [ -r /etc/os-release ]; then
  # shellcheck source=/dev/null
  case " $(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-} ${ID_LIKE:-}") " in
    *" debian 12 "*) system=debian12 ;;
    *" debian "* | *" ubuntu "*) system=debian ;;
    *" fedora "* | *" rhel "*) system=fedora ;;
  esac
fi

missing=()
# $1 = what is needed, $2 = what was found, then the commands for Debian and Ubuntu, Fedora, macOS.
need() {
  local command
  case $system in
    debian*) command=$3 ;;
    fedora) command=$4 ;;
    mac) command=$5 ;;
    *) command="Debian, Ubuntu: $3"$'\n'"                   Fedora: $4"$'\n'"                   macOS: $5" ;;
  esac
  missing+=("$(printf '  %s (found: %s)\n      %s' "$1" "$2" "${command//$'\n'/$'\n'      }")")
}

at_least() { # $1 = version found, $2.$3 = lowest
  local major minor
  IFS=. read -r major minor _ <<<"$1"
  [ "${major:-0}" -gt "$2" ] || { [ "${major:-0}" -eq "$2" ] && [ "${minor%%[^0-9]*}" -ge "$3" ]; }
}

rust() {
  local found
  if ! command -v cargo >/dev/null || ! found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || [ -z "$found" ]; then
    need "Rust 1.95 or newer" none "see https://rustup.rs (Debian 13 and newer, Ubuntu 24.04 and newer: sudo apt install rustup && rustup default stable)" \
      "sudo dnf install rustup && rustup-init -y" "brew install rustup && rustup default stable"
  elif ! at_least "$found" 1 95; then
    need "Rust 1.95 or newer" "$found" "rustup update stable" "rustup update stable" "rustup update stable"
  elif [ "${1:-}" = --checks ] && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    need "rustfmt and clippy" none "rustup component add rustfmt clippy" "rustup component add rustfmt clippy" \
      "rustup component add rustfmt clippy"
  fi
}

python_() {
  local found
  if ! found=$("$python" - 2>/dev/null <<'PYTHON'
import os, sys, sysconfig
want = sysconfig.get_config_var
folders = [want("LIBDIR"), os.path.join(want("LIBDIR") or "", want("MULTIARCH") or ""), want("LIBPL")]
shared = want("PYTHONFRAMEWORK") or any(
    os.path.exists(os.path.join(folder, want("LDLIBRARY") or "")) for folder in folders if folder and want("Py_ENABLE_SHARED"))
try:
    import ensurepip, venv  # Debian ships them in a package of their own
    whole = "venv"
except ImportError:
    whole = ""
print("%d.%d" % sys.version_info[:2], "shared" if shared else "", whole, sep=":")
PYTHON
  ); then
    found=none::
  fi
  case $found in
    none* | *::* | *:)
      need "Python 3.10 or newer with its shared library and venv" "$(describe_python "$found")" \
        "sudo apt install python3 python3-dev python3-venv" "sudo dnf install python3 python3-devel" "brew install python"
      ;;
    *)
      at_least "${found%%:*}" 3 10 ||
        need "Python 3.10 or newer with its shared library and venv" "${found%%:*}" \
          "install a newer release of the system, or build one (./configure --enable-shared), and set DRLS_PYTHON to it" \
          "sudo dnf install python3.12 python3.12-devel, then set DRLS_PYTHON=python3.12" "brew install python"
      ;;
  esac
}

describe_python() {
  case $1 in
    none*) echo none ;;
    *::venv) echo "${1%%:*} without the shared library" ;;
    *:shared:) echo "${1%%:*} without venv" ;;
    *) echo "${1%%:*} without the shared library and venv" ;;
  esac
}

java_() {
  local found java=java openjdk=21
  if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; fi
  # "1.8.0_402" and "17.0.15": the first number above 1 is the release.
  found=$("$java" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1) || true
  if [ -z "$found" ] || [ "$found" -lt 17 ]; then
    [ "$system" != debian12 ] || openjdk=17
    need "Java 17 or newer" "${found:-none}" "sudo apt install openjdk-$openjdk-jre-headless" \
      "sudo dnf install java-21-openjdk-headless" \
      "brew install openjdk@21 && export JAVA_HOME=\$(brew --prefix openjdk@21)/libexec/openjdk.jdk/Contents/Home"
  fi
}

chromium_() {
  [ -e frontend/package.json ] || return 0
  local found=${DRLS_CHROMIUM:-} name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    [ -n "$found" ] || found=$(command -v "$name") || true
  done
  if [ -z "$found" ] && [ "$system" = mac ]; then found="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; fi
  [ -x "$found" ] ||
    need "Chromium, for the tests of the console (DRLS_CHROMIUM names another one)" "${found:-none}" "sudo apt install chromium" \
      "sudo dnf install chromium" "brew install --cask google-chrome"
}

node_() {
  [ -e frontend/package.json ] || return 0
  local found
  found=$(node --version 2>/dev/null) || true
  { [ -n "$found" ] && at_least "${found#v}" 20 19 && command -v npm >/dev/null; } ||
    need "Node 20.19 or newer with npm" "${found:-none}" \
      "sudo apt install nodejs npm (Debian 13, Ubuntu 24.10 and newer; else see https://nodejs.org)" \
      "sudo dnf install nodejs npm" "brew install node"
}

compiler() {
  command -v "${CC:-cc}" >/dev/null ||
    need "a C compiler" none "sudo apt install build-essential" "sudo dnf install gcc" "xcode-select --install"
}

rust "$@"
python_
java_
node_
[ "${1:-}" != --checks ] || chromium_
compiler
[ ${#missing[@]} -gt 0 ] || exit 0
{
  echo "DRLS needs what this machine has not:"
  printf '%s\n' "${missing[@]}"
} >&2
exit 1
