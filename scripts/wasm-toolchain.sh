#!/usr/bin/env bash
# Brings a WebAssembly target that `cargo build --target wasm32-unknown-unknown` can use. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/wasm-toolchain.sh [--from auto|rustup|debian] [--target TRIPLE] [--cache DIR] [--timeout SECONDS]

Makes sure that Rust can build for WebAssembly and prints the environment for it as export lines (progress goes to
standard error). Needs no root, changes nothing outside the toolchain and the cache, and does nothing a second time.

  eval "$(scripts/wasm-toolchain.sh)"
  RUSTC=$DRLS_WASM_RUSTC cargo build --release --target "$DRLS_WASM_TARGET"

  --from auto    the target as it is installed; else `rustup target add`; else what an earlier --from debian left
                 in the cache (default; the variable DRLS_WASM_FROM says the same)
  --from rustup  only the first two
  --from debian  Debian's own rustc for the web (packages rustc-web, rust-web-src, lld), unpacked into the cache; its
                 standard library is compiled there once. For machines that reach Debian's packages but not rustup
  --target       default wasm32-unknown-unknown
  --cache        default ${DRLS_CACHE:-~/.cache/drls}/wasm-toolchain (about 1 GB with --from debian)
  --timeout      seconds that rustup may take, default 60
TEXT
}

say() { echo "wasm-toolchain: $*" >&2; }
die() { say "$*"; exit 1; }

from=${DRLS_WASM_FROM:-auto}
target=wasm32-unknown-unknown
cache=${DRLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/drls}/wasm-toolchain
limit=60
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --from | --target | --cache | --timeout)
      [ $# -ge 2 ] || { say "$1 needs a value"; usage >&2; exit 2; }
      case $1 in
        --from) from=$2 ;;
        --target) target=$2 ;;
        --cache) cache=$2 ;;
        --timeout) limit=$2 ;;
      esac
      shift 2
      ;;
    *) say "unknown argument '$1'"; usage >&2; exit 2 ;;
  esac
done
case $from in
  auto | rustup | debian) ;;
  *) say "'$from' is no source: take auto, rustup or debian (--from, or the variable DRLS_WASM_FROM)"; exit 2 ;;
esac

prefix=$cache/prefix
wrapper=$cache/bin/rustc
# Goes up with how the standard library is compiled, so that what was compiled otherwise, or with it, is made anew.
recipe=2
std_stamp=$cache/std-$target-$recipe.ok

# Prints the environment and ends. $1 = where the target came from, $2 = the rustc to use.
emit() {
  printf 'export DRLS_WASM_MODE=%q\nexport DRLS_WASM_TARGET=%q\nexport DRLS_WASM_RUSTC=%q\n' "$1" "$target" "$2"
  exit 0
}

has_std() {
  compgen -G "$("$1" --print sysroot)/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}

with_timeout() { # macOS has no timeout(1); there rustup's own network limits hold
  if command -v timeout >/dev/null; then timeout "$limit" "$@"; else "$@"; fi
}

from_rustup() {
  command -v rustc >/dev/null || die "no rustc on the PATH: install Rust, see https://rustup.rs"
  if has_std rustc; then emit present rustc; fi
  [ "$from" = rustup ] || [ ! -e "$std_stamp" ] || emit debian "$wrapper"
  if command -v rustup >/dev/null; then
    say "adding $target with rustup (at most $limit s)"
    if with_timeout rustup target add "$target" >&2 && has_std rustc; then emit rustup rustc; fi
    say "rustup could not add $target"
  else
    say "this rustc has no $target, and there is no rustup to add it"
  fi
  die "no way to build plugins. Do one of:
    rustup target add $target                            (an ordinary machine with rustup)
    install your distribution's package of it            (Fedora: dnf install rust-std-static-wasm32-unknown-unknown)
    DRLS_WASM_FROM=debian and the same command again     (Debian or Ubuntu where rustup's server is out of reach)"
}

# The compiler with its own libraries. Cargo tells compilers apart by what they say of their version.
write_wrapper() {
  local libraries
  libraries=$(compgen -G "$prefix/usr/lib/*-linux-gnu*" | head -n 1)
  cat >"$wrapper" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$libraries" PATH="$prefix/usr/bin:\$PATH"
[ "\$*" != -vV ] || echo "standard library: $recipe"
exec "$prefix/usr/bin/rustc" "\$@"
WRAPPER
  chmod +x "$wrapper"
}

unpack_debian() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    die "--from debian needs apt-get and dpkg, which this system has not: rustup target add $target"
  fi
  local began=$SECONDS
  rm -rf "$prefix"
  mkdir -p "$prefix" "$cache/debs" "$cache/bin" "$cache/apt/state/lists/partial" "$cache/apt/cache/archives/partial"
  # A package list of our own, so that neither root nor an earlier apt-get update is needed.
  local apt=(-q -o "APT::Sandbox::User=$(id -un)" -o "Dir::State=$cache/apt/state" -o "Dir::Cache=$cache/apt/cache"
    -o Dir::State::status=/var/lib/dpkg/status -o Debug::NoLocking=1)
  field() { apt-cache "${apt[@]}" show --no-all-versions "$1" 2>/dev/null | sed -n "s/^$2: //p" | head -n 1; }
  depends() { field "$1" Depends | grep -oE "$2" | head -n 1; }

  say "reading Debian's package lists"
  apt-get "${apt[@]}" update >&2 || die "apt-get could not read its package lists: see the lines above"
  local version std llvm
  version=$(field rustc-web Version)
  [ -n "$version" ] || die "this release's package lists have no rustc-web (Debian 12 has it among its security updates)"
  std=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]+')
  llvm=$(depends "$std" 'libllvm[0-9]+')
  say "downloading rustc-web $version with $llvm and lld (about 140 MB)"
  # apt checks the archive's signature and each file's digest.
  (cd "$cache/debs" && apt-get "${apt[@]}" download "rustc-web=$version" "rust-web-src=$version" "rust-web-llvm=$version" \
    "libstd-rust-web-dev=$version" "$std=$version" "$llvm" "lld-${llvm#libllvm}" >&2) ||
    die "apt-get could not download the packages: see the lines above"
  local deb
  for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$prefix"; done
  rm -rf "$cache/debs" "$cache/apt" "$prefix"/usr/share/{doc,man,lintian}

  write_wrapper
  "$wrapper" --version >&2 || die "the unpacked compiler does not start on this machine"
  touch "$cache/prefix.ok"
  say "unpacked in $((SECONDS - began)) s"
}

# Debian ships the standard library's source for this compiler, not its build for the target: compiled once, and laid
# into the unpacked toolchain, so that nobody who builds a plugin needs a nightly feature. Its panics name no folder of
# this machine, as those of rustup's library do not.
build_std() {
  local began=$SECONDS work library
  command -v cargo >/dev/null || die "no cargo on the PATH: install Rust, see https://rustup.rs"
  say "compiling the standard library for $target"
  work=$(mktemp -d "$cache/std.XXXXXX")
  # shellcheck disable=SC2064  # the folder is known now, and local by the time the trap runs
  trap "rm -rf '$work'" EXIT
  mkdir "$work/src"
  printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[lib]\n[workspace]\n' >"$work/Cargo.toml"
  : >"$work/src/lib.rs"
  (cd "$work" && env -u CARGO_ENCODED_RUSTFLAGS RUSTC="$wrapper" RUSTC_WRAPPER='' RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo \
      --remap-path-prefix=$prefix/usr/lib/rustlib/src/rust=rust" \
    CARGO_TARGET_DIR="$work/target" CARGO_PROFILE_RELEASE_DEBUG=0 \
    cargo build --quiet --release -Zbuild-std=std,panic_abort --target "$target" >&2) ||
    die "the standard library did not compile: see the lines above"
  library=$prefix/usr/lib/rustlib/$target/lib
  rm -rf "$library" "$cache"/std-*.ok
  mkdir -p "$library"
  cp "$work/target/$target/release/deps/"lib*.rlib "$library/"
  rm -f "$library"/libempty-*.rlib
  touch "$std_stamp"
  say "compiled in $((SECONDS - began)) s"
}

from_debian() {
  mkdir -p "$cache"
  # Two builds at once must not unpack into one folder.
  exec 9>"$cache/lock"
  flock 9
  if [ ! -x "$wrapper" ] || [ ! -e "$cache/prefix.ok" ]; then
    rm -f "$cache"/std-*.ok
    unpack_debian
  fi
  if [ ! -e "$std_stamp" ]; then
    write_wrapper
    build_std
  fi
  emit debian "$wrapper"
}

if [ "$from" = debian ]; then from_debian; else from_rustup; fi
