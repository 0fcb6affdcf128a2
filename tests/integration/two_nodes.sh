#!/bin/bash
# two_nodes.sh: examples/two-nodes does what it says: a patient's computer is off and the patient's node is killed, and a doctor opens what
# the patient shared. two_nodes.sh fabric: the same on a channel of Fabric, where the doctor is at another host.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin two_nodes
examples=$(cd "$SUPPORT/../../examples" && pwd)
demo=$EMR_WORK/demo
at_end() {
	local who
	kill $(sed 's/.*"pid":\([0-9]*\).*/\1/' "$demo"/*.host 2>/dev/null) 2>/dev/null
	for who in ana lima keys; do emr_clear_away "$demo/$who" "$demo/$who-folder"; done
	[ ! -d "$demo/ipfs" ] || "$examples/network/ipfs" down "$demo/ipfs" >/dev/null 2>&1
	[ ! -d "$demo/channel" ] || "$examples/network/fabric" down "$demo/channel" >/dev/null 2>&1
}
KUBO=$("$examples/network/ipfs" build) || emr_fail "Kubo is not built"
export KUBO FABRIC CHAINCODE BACKEND
EMRFS_DEMO_END=close timeout "$EMR_PATIENCE" "$examples/two-nodes" ${1:+--network "$1"} "$demo" >"$EMR_WORK/said" 2>&1 ||
	{ tail -40 "$EMR_WORK/said"; emr_fail "the example ended with an error"; }
for words in "confirmed 4/4" "node 1: does not run" "Imaging/MRI.dcm: OK" "knee: no fracture" "MRI.dcm v1   proven, keys by" "nothing wrong"; do
	grep -qF -- "$words" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not said: $words"; }
done
blocks=$(sed -n "s/^blocks that were brought.*: //p" "$EMR_WORK/said")
[ "$blocks" -ge 13 ] || emr_fail "only $blocks blocks were brought"	# 12 leaves and a node of the image alone
[ ! -e "$demo/ipfs" ] && [ ! -e "$demo/channel" ] || emr_fail "nodes are left"
echo "all is well"
