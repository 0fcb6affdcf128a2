# A real channel of Fabric for a test that has begun by two.sh: peers, orderers and the contract of three organisations (examples/network/fabric).
# FABRIC names the programs of a release, and CHAINCODE the contract.
#
#   channel_start / channel_stop   it runs, and nothing of it answers; channel_start starts again what does not run
#   channel_pid peer-1             a process: peer-N, orderer-N, chaincode-N
#   channel_kill peer-1...         as a power cut
#   channel_take 2 FILE            organisation 2 has the CA in FILE beside its own
#
# A test may set beforehand: CHANNEL_KIND, how it orders (default: raft), and CHANNEL_WITH, further options of its `up`.
CHANNEL_EXAMPLE=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric

channel_start() {
	CHANNEL_RUNS=1
	export FABRIC CHAINCODE
	# shellcheck disable=SC2086
	must "$CHANNEL_EXAMPLE" up "${CHANNEL_KIND:-raft}" ${CHANNEL_WITH:-} "$EMR_WORK/channel" >/dev/null
}

channel_stop() {
	local pids
	[ -n "${CHANNEL_RUNS:-}" ] || return 0
	CHANNEL_RUNS=
	pids=$(cut -d' ' -f1 "$EMR_WORK"/channel/*.pid)
	# shellcheck disable=SC2086
	kill $pids 2>/dev/null # some may be dead already
	# shellcheck disable=SC2086
	kill -CONT $pids 2>/dev/null # and a test may have failed while some stood still
	for pid in $pids; do await_gone "$pid"; done
}

channel_pid() { cut -d' ' -f1 "$EMR_WORK/channel/$1.pid"; }

channel_kill() {
	local member pid
	for member in "$@"; do
		pid=$(channel_pid "$member")
		kill -KILL "$pid" && await_gone "$pid"
	done
}

channel_take() { must "$CHANNEL_EXAMPLE" trust "$1" "$2" "$EMR_WORK/channel"; }

at_end() {
	two_end
	channel_stop
}
