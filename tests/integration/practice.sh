#!/bin/bash
# practice.sh: examples/practice does what it says, from empty computers to the record that came back, and leaves nothing behind: at its
# end, when it is told to end, and when it is killed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" = 0 ] || emr_skip "only root can be several computers"
command -v ip >/dev/null || emr_skip "no ip (Debian: iproute2)"
emr_begin practice
export TMPDIR=$EMR_WORK/tmp
mkdir "$TMPDIR"
began=
at_end() { [ -z "$began" ] || kill -KILL "$began" 2>/dev/null; }

# The space of processes that the example made, once it has one.
space() {
	local of
	for of in $(grep -lsF "PRACTICE=$TMPDIR/" /proc/[0-9]*/environ); do
		place=$(readlink "${of%environ}ns/pid")
		[ -z "$place" ] || [ "$place" = "$(readlink /proc/self/ns/pid)" ] || return 0
	done
	[ ! -d "/proc/$began" ]
}
left_in() { readlink /proc/[0-9]*/ns/pid | grep -qxF "$1"; }
nothing_in() { ! left_in "$1"; }
begin() {
	"$SUPPORT/../../examples/practice" >"$EMR_WORK/said" 2>&1 &
	began=$!
	emr_until space
}

begin
wait "$began" || { tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
began=
for words in "The host serves /home/server/practice at https://192.168.7.1:7443" "no fracture" "knee.dcm v1   proven, keys by Praxis Lima" "appointment: Monday at nine" \
	"Imaging - access ended" "lima, Praxis Lima (gives the name Dr Paula Lima) (" "with 4 records as of" "  6 members, " "nothing wrong" "nothing there names a patient"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
emr_until nothing_in "$place"
[ -z "$(ls -A "$TMPDIR")" ] || emr_fail "left: $(find "$TMPDIR")"

for signal in TERM KILL; do
	say "ended by $signal in the middle"
	begin
	emr_until grep -q "members are found by name" "$EMR_WORK/said"
	left_in "$place" || emr_fail "nothing runs"
	kill -$signal "$began"
	wait "$began" 2>/dev/null
	emr_until nothing_in "$place"
	[ $signal = KILL ] || [ -z "$(ls -A "$TMPDIR")" ] || emr_fail "left: $(find "$TMPDIR")"
done
began=
[ -z "$(grep -F "$TMPDIR" /proc/self/mounts)" ] || emr_fail "mounts are left"
echo "all is well"
