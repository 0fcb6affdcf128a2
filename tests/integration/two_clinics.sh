#!/bin/bash
# two_clinics.sh: examples/two-clinics does what it says, from two hospitals' network to the doctor who asks again.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin two_clinics
examples=$(cd "$SUPPORT/../../examples" && pwd)
demo=$EMR_WORK/demo
at_end() {
	local who
	kill "$(cat "$demo/host.pid" 2>/dev/null)" 2>/dev/null
	for who in ana rui eva lima nuno keys-lucas keys-aurora keys-trust; do
		emr_clear_away "$demo/$who" "$demo/$who-folder"
	done
}
EMRFS_DEMO_END=close timeout "$EMR_PATIENCE" "$examples/two-clinics" "$demo" >"$EMR_WORK/said" 2>&1 ||
	{ tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
for words in "Clínica Aurora is a member" "[Ana Silva 1984-03-12]" "[Ana Silva 1991-11-02]" "second look at the knee" \
	"Imaging/MRI-2.txt v1   proven, keys by" "Imaging - access ended" "follow-up on Thursday" "nothing wrong" "nothing that the host keeps names"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
twice=$(grep '^emrfs: ' "$EMR_WORK/said" | sort | uniq -c | awk '$1 > 2')
[ -z "$twice" ] || emr_fail "the reader is told again and again what is for the people in it: $twice"
echo "all is well"
