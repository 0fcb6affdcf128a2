#!/bin/bash
# powercut_crowd.sh TOOLS CROWD - many threads hand in at once to one ledger; its power is cut at every flush and between them, and each
# batch whose answer a thread had is there. CROWD is tests/conformance/ledger_crowd.c.
set -eu
tools=$(cd "$1" && pwd)
crowd=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
seed=${EMR_POWERCUT_SEED:-1}
read -r root domain < <("$crowd" create)
work=$(mktemp -d "${EMR_TEST_SCRATCH:-/dev/shm}/emr-crowd-XXXXXX")
trap 'rm -rf "$work" "$root"' EXIT
EMR_POWERCUT_ROOT=$root EMR_POWERCUT_TRACE=$work/trace EMR_POWERCUT_MARK=$work/marks EMR_POWERCUT_NO_FLUSH=1 \
	LD_PRELOAD=$tools/libpowercut_record.so "$crowd" save "$root" "$domain" 5
replay() { # OPTIONS...
	"$tools/powercut_replay" --trace "$work/trace" --scratch "$work" --check "$crowd check {dir} {marks}" "$@" >"$work/out" 2>&1 ||
		{ cat "$work/out"; exit 1; }
	grep -v "^    " "$work/out"
}
replay --every-flush --per-interval 2 --max-cuts "${EMR_POWERCUT_CUTS:-150}" --seed "$seed"
# Nothing that was flushed counts: promises must be seen to break.
replay --names strict --max-cuts 20 --every-flush --drop-flushes
