#!/usr/bin/env bash
# The tour on a mailbox: real spam of April 2007, sixteen whole days, and a small list trap of 2019 to 2022.
# Needs a folder of mail in SPAMTIDE_CORPUS with trec07p-spam-20070408-0424.mbox.xz and openlists-trap-2019-2022.mbox.xz.
set -euo pipefail
: "${SPAMTIDE_CORPUS:?set SPAMTIDE_CORPUS to a folder of mail}"
spamtide="$(cd "$(dirname "$0")/../.." && pwd)/.venv/bin/spamtide"
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
run() { printf '\n$ spamtide %s\n' "$*"; "$spamtide" --workspace "$work/trap" "$@" || true; }

"$spamtide" init "$work/trap" >/dev/null
run import "$SPAMTIDE_CORPUS/trec07p-spam-20070408-0424.mbox.xz" --feed trec
run import "$SPAMTIDE_CORPUS/openlists-trap-2019-2022.mbox.xz" --feed lists
run search 'subject:(viagra OR cialis)' --feed trec --by day
run series share:subject:viagra,cialis --feed trec --by day
run duplicates --feed trec --rule exact --window 2007-04-09/2007-04-17 --compare 2007-04-17/2007-04-25
run effect --at 2007-04-17 --measure subject:viagra,cialis --feed trec
run effect --at 2022-01-01 --measure volume --feed lists
run feeds show trec
run archive verify
