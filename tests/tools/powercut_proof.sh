#!/bin/bash
# powercut_proof.sh TOOLS - proves the power-cut tools by programs whose answers are known:
# SQLite with synchronous=FULL keeps every promise, with OFF it loses some and the tools notice;
# without any flush they notice as well; and a cut that keeps everything is the real directory.
set -eu
tools=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

record() { # NAME COMMAND...: run COMMAND with its files below $work/NAME/root recorded
	local name=$1
	shift
	mkdir -p "$work/$name/root"
	EMR_POWERCUT_ROOT=$work/$name/root EMR_POWERCUT_TRACE=$work/$name/trace \
	EMR_POWERCUT_MARK=$work/$name/marks EMR_POWERCUT_NO_FLUSH=1 \
	LD_PRELOAD=$tools/libpowercut_record.so "$@" > /dev/null
}
replay() { # NAME OPTIONS...
	local name=$1
	shift
	"$tools/powercut_replay" --trace "$work/$name/trace" "$@" > "$work/out" 2>&1
}
fail() {
	echo "not so: $1"
	cat "$work/out"
	exit 1
}
check="$tools/powercut_sqlite check {dir}/db {marks}"

record full "$tools/powercut_sqlite" write "$work/full/root/db" full 60
replay full --check "$check" --every-flush --per-interval 1 || fail "FULL keeps its promises"
replay full --check "$check" --every-flush --drop-flushes || fail "dropped flushes are noticed"

record off "$tools/powercut_sqlite" write "$work/off/root/db" off 60
replay off --check "$check" --at-least 200 && fail "OFF loses promises"

record files "$tools/promise_load" run "$work/files/root" "$work/files/marks" --count 40 --writers 2
check="$tools/promise_load check {dir} {marks} --power --peer"
replay files --check "$check" --every-flush --at-least 300 || fail "fsynced files are kept"
replay files --check "$check" --every-flush --drop-flushes || fail "lost files are noticed"

mkdir "$work/model"
record tree "$tools/tree_model" --dir "$work/tree/root" --model "$work/model" --keep \
	--seed 4 --ops 400 --rounds 1
replay tree --check true --max-cuts 1 --names strict
events=$(sed -n 's/^trace: \([0-9]*\) events.*/\1/p' "$work/out")
for names in strict ordered; do
	# style 1, everything survives: seed 1
	replay tree --names $names --only "$events:1" \
		--check "diff -r --no-dereference {dir} '$work/tree/root'" ||
		fail "a cut that keeps everything is the directory itself ($names)"
done
echo "the power-cut tools notice what they must"
