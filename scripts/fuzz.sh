#!/usr/bin/env bash
# Feeds what reads foreign bytes with what a fuzzer makes of the seeds in host/fuzz, FUZZ_SECONDS (60) for each target: `make fuzz`.
# What it found lies in target/fuzz/found, and words run one input again: scripts/fuzz.sh inspect FILE
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top/host/fuzz"

targets=(manifest_toml manifest_section inspect)
if [ $# -gt 0 ]; then
  targets=("$1")
  shift
fi
made=${CARGO_TARGET_DIR:-$top/target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')

# What cargo-fuzz asks the compiler for, without sanitizers: those need a nightly one, and watch code that is unsafe.
flags="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=4"
for wish in level=4 inline-8bit-counters pc-table trace-compares; do
  flags+=" -Cllvm-args=-sanitizer-coverage-$wish"
done
step "building the fuzzer; the first time takes about ten minutes"
# For the target alone: build scripts and macros have no fuzzer to count for.
RUSTFLAGS=$flags cargo build --quiet --release --locked --target "$triple" --target-dir "$made"

for target in "${targets[@]}"; do
  program=$made/$triple/release/$target
  if [ $# -gt 0 ]; then
    "$program" "$@"
    continue
  fi
  step "fuzzing $target for ${FUZZ_SECONDS:-60} s"
  mkdir -p "$made/corpus/$target" "$made/found"
  # The first folder keeps what finds new ways through the code, for the next run.
  "$program" "$made/corpus/$target" "seeds/$target" -dict=words.dict -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 \
    -rss_limit_mb=2048 -artifact_prefix="$made/found/$target-" -print_final_stats=1 -verbosity=0 ||
    die "$target: run it again with scripts/fuzz.sh $target FILE; mend it, and keep the input as a seed"
done
