#!/bin/bash
# two_clinics.sh: examples/two-clinics does what it says, from two hospitals' network to the doctor who asks again.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
emr_begin two_clinics
demo=$EMR_WORK/demo
at_end() {
	local who
	for who in ana rui eva lima nuno keys-lucas keys-aurora keys-trust; do
		emr_clear_away "$demo/$who" "$demo/$who-folder"
	done
}
EMRFS_DEMO_END=close timeout "$EMR_PATIENCE" "$SUPPORT/../../examples/two-clinics" "$demo" >"$EMR_WORK/said" 2>&1 ||
	{ tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
for words in "Clínica Aurora is a member" "Ana Silva 1984-03-12 (" "Ana Silva 1991-11-02 (" "second look at the knee" \
	"Imaging/MRI-2.txt v1   proven, keys by" "Imaging - access ended" "follow-up on Thursday" "nothing wrong" "nothing in the shared directory"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
echo "all is well"
