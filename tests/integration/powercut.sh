#!/bin/bash
# powercut.sh TOOLS DRIVER - records two working folders and cuts their power at every flush and between them.
#
# Without EMR_POWERCUT_CUTS every flush point of both workloads is cut (more than 2,000 cuts in all); with it about that
# many.  EMR_POWERCUT_SEED chooses other workloads.  The trace of a failed run is kept, its cut is named:
# powercut_replay --trace TRACE --only CUT:SEED --check ... shows it again.
set -eu
tools=$(cd "$1" && pwd)
driver=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
seed=${EMR_POWERCUT_SEED:-1}
work=$(mktemp -d "${EMR_TEST_SCRATCH:-/dev/shm}/emr-cut-XXXXXX")
trap 'rm -rf "$work"' EXIT
thin=()
[ -z "${EMR_POWERCUT_CUTS:-}" ] || thin=(--max-cuts $((EMR_POWERCUT_CUTS / 4 + 1)))

record() { # NAME SEED STEPS MODE
	mkdir -p "$work/$1/root"
	"$driver" create "$work/$1/root"
	EMR_POWERCUT_ROOT=$work/$1/root EMR_POWERCUT_TRACE=$work/$1/trace EMR_POWERCUT_MARK=$work/$1/marks \
	EMR_POWERCUT_NO_FLUSH=1 LD_PRELOAD=$tools/libpowercut_record.so "$driver" work "$work/$1/root" "$2" "$3" "$4"
}
replay() { # NAME OPTIONS...
	local name=$1
	shift
	"$tools/powercut_replay" --trace "$work/$name/trace" --scratch "$work" --check "$driver check {dir} $promises" \
		"$@" > "$work/out" 2>&1 && { grep -v "^    " "$work/out"; return 0; }
	cat "$work/out"
	cp "$work/$name/trace" "${TMPDIR:-/tmp}/emr-failed-$name.trace"
	echo "the trace is kept: ${TMPDIR:-/tmp}/emr-failed-$name.trace"
	return 1
}

record one "$seed" 230 plain
record many $((seed + 1)) 170 threads
failed=0 cuts=0 promises={marks}
for name in one many; do
	replay $name --every-flush --per-interval 1 --seed "$seed" "${thin[@]}" || failed=1
	cuts=$((cuts + $(sed -n 's/^names [a-z]*: \([0-9]*\) cuts.*/\1/p' "$work/out" | awk "{ n += \$1 } END { print n + 0 }")))
done
# A recovery is cut off, too: the check of one cut is recorded, and every flush of it is cut.
events=$(sed -n 's/^trace: \([0-9]*\) events.*/\1/p' "$work/out")
mkdir -p "$work/again"
"$tools/powercut_replay" --trace "$work/many/trace" --scratch "$work" --names ordered --only $((events * 6 / 10)):44 \
	--check "cp -r {dir} '$work/again/root' && cp {marks} '$work/again/before'" > "$work/out" || failed=1
EMR_POWERCUT_ROOT=$work/again/root EMR_POWERCUT_TRACE=$work/again/trace EMR_POWERCUT_NO_FLUSH=1 \
	LD_PRELOAD=$tools/libpowercut_record.so "$driver" check "$work/again/root" "$work/again/before" || failed=1
promises=$work/again/before
replay again --every-flush "${thin[@]}" || failed=1
promises={marks}
# Nothing that was flushed counts: promises must be seen to break.
replay one --names strict --max-cuts 30 --every-flush --drop-flushes || failed=1
echo "$cuts cuts"
if [ -z "${EMR_POWERCUT_CUTS:-}" ] && [ $cuts -lt 2000 ]; then
	echo "fewer than 2,000 cuts"
	failed=1
fi
exit $failed
