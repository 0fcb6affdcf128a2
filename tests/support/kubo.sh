# Sourced after mount.sh by tests of live IPFS nodes: the private three of examples/network/ipfs, in the directory net of the test.
#
#   kubo_begin NAME    as emr_begin; goes to the test's directory, where $NETWORK starts and ends the nodes, and $KUBO is their program
#   kubo_end           of at_end, where a test has its own, which it names after this file: the nodes are ended
kubo_begin() {
	emr_begin "$1"
	cd "$EMR_WORK" || exit 2
	NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs
	KUBO=$("$NETWORK" build) || emr_fail "Kubo is not built"
	export KUBO
}

kubo_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
at_end() { kubo_end; }
