#!/bin/bash
# two_clinics.sh: examples/two-clinics does what it says, from two hospitals' network to the doctor who asks again.
# two_clinics.sh fabric: the same on a channel of Fabric, whose programs FABRIC has, by a host of each organisation and live IPFS nodes.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
kind=${1:-directory}
emr_begin two_clinics_$kind
examples=$(cd "$SUPPORT/../../examples" && pwd)
demo=$EMR_WORK/demo how=
if [ "$kind" = fabric ]; then
	how="--network fabric"
	KUBO=$("$examples/network/ipfs" build) || emr_fail "Kubo is not built"
	export KUBO FABRIC CHAINCODE BACKEND
fi
at_end() {
	local who
	kill $(sed 's/.*"pid":\([0-9]*\).*/\1/' "$demo"/*.host 2>/dev/null) 2>/dev/null
	for who in ana rui eva lima nuno keys-lucas keys-aurora keys-trust; do
		emr_clear_away "$demo/$who" "$demo/$who-folder"
	done
	[ ! -d "$demo/ipfs" ] || "$examples/network/ipfs" down "$demo/ipfs" >/dev/null 2>&1
	[ ! -d "$demo/channel" ] || "$examples/network/fabric" down "$demo/channel" >/dev/null 2>&1
}
if [ "$kind" = fabric ]; then
	say "without a chaincode nothing is begun, so that the same line can be said again"
	CHAINCODE=/nowhere "$examples/two-clinics" --network fabric "$demo" >"$EMR_WORK/said" 2>&1 && emr_fail "a channel without a contract"
	[ ! -e "$demo" ] || emr_fail "left: $(find "$demo")"
fi
# shellcheck disable=SC2086
EMRFS_DEMO_END=close timeout "$EMR_PATIENCE" "$examples/two-clinics" $how "$demo" >"$EMR_WORK/said" 2>&1 ||
	{ tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
for words in "Clínica Aurora is a member" "[Ana Silva 1984-03-12]" "[Ana Silva 1991-11-02]" "second look at the knee" \
	"Imaging/MRI-2.txt v1   proven, keys by" "Imaging - access ended" "follow-up on Thursday" "nothing wrong" "nothing that the host keeps names"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
twice=$(grep '^emrfs: ' "$EMR_WORK/said" | sort | uniq -c | awk '$1 > 2')
[ -z "$twice" ] || emr_fail "the reader is told again and again what is for the people in it: $twice"
[ ! -e "$demo/ipfs" ] && [ ! -e "$demo/channel" ] || emr_fail "nodes or peers are left"
echo "all is well"
