#!/bin/bash
# kill9.sh - kills the process behind a mount at random moments under load, mounts again, and checks
# that every promise was kept (promise_load.c says which).
#
#   kill9.sh --dir MOUNTPOINT --mount CMD [--clean CMD] [--pid CMD] [--rounds N] [--seed N]
#            [--writers N] [--min-ms N] [--max-ms N] [--peer] [--tools DIR] [--log FILE]
#            [--limit-s N]
#
# CMD of --mount stays in the foreground and is itself killed, unless --pid prints which process to
# kill.  --clean (default: fusermount3 -uz MOUNTPOINT) removes the dead mount; give "true" for a
# file system that cleans up after itself.  A mount may take --limit-s (60).  After the last round
# the mount stays as it is.
# Status 0: nothing was lost; 1: something was; 2: the test bed failed.
set -u
dir='' mount='' clean='' pid_cmd='' rounds=20 seed=1 writers=3 min_ms=40 max_ms=600 peer=''
tools=$(cd "$(dirname "$0")" && pwd) log='' limit_s=60
usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
while [ $# -gt 0 ]; do
	[ "$1" = --peer ] && { peer=--peer; shift; continue; }
	[ $# -ge 2 ] || usage
	case $1 in
	--dir) dir=$2 ;;
	--mount) mount=$2 ;;
	--clean) clean=$2 ;;
	--pid) pid_cmd=$2 ;;
	--rounds) rounds=$2 ;;
	--seed) seed=$2 ;;
	--writers) writers=$2 ;;
	--min-ms) min_ms=$2 ;;
	--max-ms) max_ms=$2 ;;
	--tools) tools=$2 ;;
	--log) log=$2 ;;
	--limit-s) limit_s=$2 ;;
	*) usage ;;
	esac
	shift 2
done
[ -n "$dir" ] && [ -n "$mount" ] || usage
[ -n "$clean" ] || clean="fusermount3 -uz '$dir'"
work=$(mktemp -d)
[ -n "$log" ] || log=$work/log
RANDOM=$seed
server=''

# ls first: a dead mount fails it, and if it saw the bare directory below, after the dead mount went
# and before the new one came, mountpoint says so.  Not stat: the kernel may still know the attributes
# of a dead mount.
is_up() {
	ls "$dir" > /dev/null 2>&1 && mountpoint -q "$dir"
}
longest_ms=0
bring_up() {
	local start=$(date +%s%N) ms=0
	bash -c "exec $mount" > "$work/mount.out" 2>&1 &
	server=$!
	until is_up; do
		if [ $ms -gt $((limit_s * 1000)) ] || { [ -z "$pid_cmd" ] && ! kill -0 $server 2> /dev/null; }; then
			echo "round $round: it does not mount (waited $ms ms):"
			cat "$work/mount.out"
			exit 1
		fi
		sleep 0.02
		ms=$((($(date +%s%N) - start) / 1000000))
	done
	ms=$((($(date +%s%N) - start) / 1000000))
	[ $ms -le $longest_ms ] || longest_ms=$ms
	[ -z "$pid_cmd" ] || server=$(eval "$pid_cmd")
}

if mountpoint -q "$dir"; then
	echo "$dir is a mount already" >&2
	exit 2
fi
began=$(date +%s%N) broken=0 round=0
bring_up
for round in $(seq "$rounds"); do
	"$tools/promise_load" run "$dir" "$log" --seed $((seed * 1000 + round)) \
		--writers "$writers" 2> "$work/load.err" &
	load=$!
	ms=$((min_ms + RANDOM % (max_ms - min_ms + 1)))
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -9 "$server" || exit 2
	wait "$server" 2> /dev/null
	(sleep "$limit_s"; kill "$load") > /dev/null 2>&1 &
	guard=$!
	wait "$load"
	status=$?
	kill "$guard" 2> /dev/null
	if [ $status -ne 0 ]; then
		echo "round $round: the load ended with $status:"
		cat "$work/load.err"
		exit 2
	fi
	eval "$clean" > /dev/null 2>&1
	bring_up
	if ! "$tools/promise_load" check "$dir" "$log" $peer > "$work/check.out"; then
		broken=$((broken + 1))
		echo "round $round (killed after $ms ms):"
		cat "$work/check.out"
	fi
done
sed "s/^/last round: /" "$work/check.out" | tail -1
echo "kill9: $rounds rounds in $((($(date +%s%N) - began) / 1000000000)) s, $broken with loss," \
	"longest mount $longest_ms ms"
rm -rf "$work"
[ $broken -eq 0 ]
