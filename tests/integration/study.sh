#!/bin/bash
# study.sh: examples/study does what it says, from the call to the participant who leaves.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
/usr/bin/python3 -c 'import pydicom' 2>/dev/null || emr_skip "no pydicom in Debian's Python"
emr_begin study
demo=$EMR_WORK/demo
at_end() {
	local who
	kill "$(cat "$demo/host.pid" 2>/dev/null)" 2>/dev/null
	for who in ana rui eva dora; do emr_clear_away "$demo/$who" "$demo/$who-folder"; done
}
# A Python as a version manager's or conda's, without Debian's modules, is the first of PATH on many computers.
must /usr/bin/python3 -m venv --without-pip "$EMR_WORK/another"
! "$EMR_WORK/another/bin/python3" -c 'import pydicom' 2>/dev/null || emr_fail "the other Python has pydicom, too"
PATH=$EMR_WORK/another/bin:$PATH EMRFS_DEMO_END=close timeout "$EMR_PATIENCE" "$SUPPORT/../../examples/study" "$demo" >"$EMR_WORK/said" 2>&1 ||
	{ tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
for words in "To measure how much bone" "dora, São Lucas (gives the name Dora Lopes)" "reads it, since" "They see it under a pseudonym" \
	"3 participants, 9 slices, 20024 bright pixels" "2 participants, 5 slices, 11088 bright pixels" " left bones on " \
	"9 versions are fixed as bones@" " is incomplete: 4 of its versions are no longer there; folders taken back: 1." \
	"2 folders are in it" "got the key of CT/1-01.dcm v1" "3 copies for it, under the name" "Of what is in CT: 5 copies, 0 without." "nothing there names a patient"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
echo "all is well"
