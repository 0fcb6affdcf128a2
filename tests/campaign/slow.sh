#!/bin/bash
# slow.sh [BUILD]: runs the folder's tests over a store that takes 300 ms a block and a ledger that takes 500 ms; with half of the ledger's
# answers lost; and with the ledger away. All run at once, because they wait. Where blocks are read by the ten thousand, each takes 5 ms.
# BUILD: a built preset (build/dev). Takes hours; its end counts.
cd "${1:-build/dev}/tests/unit" || exit 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
try() { # WORLD TEST BLOCK_MS LEDGER_MS
	EMR_SLOW=$1 EMR_SLOW_BLOCK_MS=$3 EMR_SLOW_LEDGER_MS=$4 "./$2" >"$out/$2-$1" 2>&1 || {
		echo "FAILED: $2 $1"
		grep -a 'FAILED\|LINE' "$out/$2-$1"
		touch "$out/failed"
	}
}
for world in slow lost away; do
	for test in slow_view_keep slow_view_past slow_view_promise slow_view_quiet slow_view_tree slow_shared_*; do
		try "$world" "$test" "${EMR_SLOW_BLOCK_MS:-300}" "${EMR_SLOW_LEDGER_MS:-500}" &
	done
	for test in slow_view_files slow_view_settle; do
		try "$world" "$test" 5 "${EMR_SLOW_LEDGER_MS:-500}" &
	done
done
wait
[ ! -e "$out/failed" ] && echo "all is well"
