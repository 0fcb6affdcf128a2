#!/bin/bash
# sanitized.sh NAME: the mount of a program built with a sanitizer runs under parallel mixed load and must make no report. The sanitizer
# NAME (tsan, asan) must be in the program, or the test would prove nothing.
# Each report goes to a file of its own, whatever becomes of the process.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin sanitized
# Each report goes to a file of its own, whatever becomes of the process.
options="log_path=$EMR_WORK/report:exitcode=66"
export TSAN_OPTIONS="$options:second_deadlock_stack=1:history_size=4" ASAN_OPTIONS="$options:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$EMR_WORK/report"
emr_init
emr_mount
grep -q "__$1_init" "/proc/$(emr_pid)/exe" || emr_fail "the program runs without $1"
src=$EMR_WORK/src
must mkdir "$src" "$EMR_WORK/model" "$MNT/posix" "$MNT/copies"
head -c 5000000 /dev/urandom >"$src/large"
for i in $(seq 60); do head -c $((i * 300)) /dev/urandom >"$src/small-$i"; done

no_report() {
	local found
	found=$(cat "$EMR_WORK"/report* 2>/dev/null)
	[ -z "$found" ] || {
		printf '%s\n' "$found" | head -120 >&2
		emr_fail "the sanitizer reports"
	}
}

jobs=()
names=()
job() {
	names+=("$1")
	shift
	"$@" >"$EMR_WORK/out/${#jobs[@]}" 2>&1 &
	jobs+=($!)
}
copies() {
	local i
	for i in 1 2 3 4 5; do
		cp -a "$src" "$MNT/copies/$i" && diff -r "$src" "$MNT/copies/$i" || return
		rsync -aX "$src/" "$MNT/copies/synced/" && mv "$MNT/copies/$i" "$MNT/copies/moved-$i" || return
		[ $i -lt 3 ] || rm -r "$MNT/copies/moved-$((i - 2))" || return
	done
}
# looks does what people and file managers do beside it: list, ask for attributes, read the notices, look at the status.
looks() {
	local i
	for i in $(seq 12); do
		find "$MNT" -ls
		getfattr -R -d -m . "$MNT/copies"
		cat "$MNT/.emrfs/notices" "$MNT/.emrfs/status.json"
		"$EMRFS" status
		sleep 0.5
	done >/dev/null 2>&1
	return 0
}
# Readers of one file that a writer goes on replacing and changing: none of them may ever fail.
crowd() {
	local i readers=()
	cp "$src/small-1" "$MNT/shared" || return
	for i in $(seq 8); do
		(for _ in $(seq 20); do cat "$MNT/shared" >/dev/null || exit 1; done) &
		readers+=($!)
	done
	for i in $(seq 25); do
		head -c $((i * 20000)) "$src/large" >"$MNT/shared.tmp" && mv "$MNT/shared.tmp" "$MNT/shared" || return
		head -c 100 "$src/large" | dd of="$MNT/shared" bs=100 seek=$i conv=notrunc,fsync status=none || return
	done
	for i in "${readers[@]}"; do wait "$i" || return; done
}
for round in 1 2; do
	began=$SECONDS jobs=() names=()
	job posix "$TOOLS/posix_suite" --dir "$MNT/posix" --profile emrfs
	job fsx "$TOOLS/fsx_lite" --file "$MNT/fsx" --seed $round --ops 250
	job tree "$TOOLS/tree_model" --dir "$MNT" --model "$EMR_WORK/model" --procs 3 --rounds 1 --ops 120 --seed $round \
		--known link-eperm
	job copies copies
	job looks looks
	job crowd crowd
	for i in "${!jobs[@]}"; do
		wait "${jobs[$i]}" || {
			no_report
			grep -B 6 '^not ok' "$EMR_WORK/out/$i" >&2
			tail -20 "$EMR_WORK/out/$i" >&2
			emr_fail "${names[$i]} in round $round"
		}
	done
	say "round $round: $((SECONDS - began)) s"
	no_report
	# The first round ends in order, the second in a crash.
	if [ $round -eq 1 ]; then emr_remount; else emr_kill && emr_mount; fi
	must rm -rf "$MNT/copies" "$MNT/posix"
	must mkdir "$MNT/posix" "$MNT/copies"
	no_report
done
emr_unmount
no_report
