#!/usr/bin/env bash
# run.sh TARGET [SECONDS] [OPTIONS OF LIBFUZZER]: one job of one target on its corpus. Needs cargo-fuzz (cargo install cargo-fuzz).
set -euo pipefail
cd "$(dirname "$0")"
target=$1 seconds=${2:-600}
shift; shift || true
# The compiler that builds the project builds this too; the sanitizer asks for a nightly one or for this word.
export RUSTC_BOOTSTRAP=1
# One allocation at most as large as the largest frame of a segment may be; the digest of 64 KiB takes far less than 10 s.
exec cargo fuzz run --fuzz-dir . "$target" "corpus/$target" -- -max_total_time="$seconds" -dict="dictionaries/$target" \
    -max_len=65536 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1280 -print_final_stats=1 "$@"
