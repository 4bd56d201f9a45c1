#!/usr/bin/env bash
# Licences, bans and sources of one workspace's dependencies by cargo-deny, always; advisories where their database can
# be fetched (it is a git repository of its own, out of reach of some build machines), and a plain word where it cannot.
#
#   scripts/deny.sh Cargo.toml
#
# DRLS_ADVISORIES=off does not try to fetch them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
manifest=${1:?the manifest of the workspace, for example Cargo.toml}
deny=(cargo deny --locked --config "$top/deny.toml" --manifest-path "$manifest")

"${deny[@]}" check --hide-inclusion-graph licenses bans sources

if [ "${DRLS_ADVISORIES:-auto}" = off ]; then
  echo "advisories: NOT CHECKED, switched off by DRLS_ADVISORIES=off"
  exit 0
fi
limit=()
if command -v timeout >/dev/null; then limit=(timeout 30); fi
if "${limit[@]}" "${deny[@]}" fetch db >/dev/null 2>&1; then
  "${deny[@]}" check --disable-fetch advisories
else
  echo "advisories: NOT CHECKED, their database cannot be fetched from this machine"
fi
