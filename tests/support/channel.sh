# A channel of Fabric for a test that has begun by two.sh. The program PEER plays all of it in one process, with the contract as its
# chaincode; where FABRIC names the programs of a release, and CHAINCODE the contract, real peers and orderers of three organisations do.
#
#   channel_begin              after two_begin, or two_home: it runs, its settings are in channel/settings and the network's directory
#   channel_msp 2              what its second organisation is called
#   channel_take 2 FILE        organisation 2, or 3, has the CA in FILE beside its own; the first one's is taken by channel_network
#   channel_network "São Lucas"   a network of emrfs stands on it; as two_network
#   channel_freeze / channel_thaw  its gateways take calls and answer none, as programs that stand still
#   channel_stop / channel_start  nothing of it answers, and again; a file in channel/fault is a fault that PEER shows
#   channel_pid peer-1         a process of the real one; orderer-N, chaincode-N
#   channel_kill peer-1...     as a power cut; channel_start starts again what does not run
#
# A test may set beforehand: CHANNEL_KIND, how the real one orders (default: raft), and CHANNEL_WITH, further options of its `up`;
# CHANNEL_MORE, further MSP=FILE of the played one; CHANNEL_TAKEN=$EMR_WORK/ca-1.pem, where the played one, too, takes the first organisation's CA by channel_take only.
CHANNEL_EXAMPLE=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric

channel_start() {
	CHANNEL_RUNS=1
	if [ -n "${FABRIC:-}" ]; then
		export FABRIC CHAINCODE
		# shellcheck disable=SC2086
		must "$CHANNEL_EXAMPLE" up "${CHANNEL_KIND:-raft}" ${CHANNEL_WITH:-} "$EMR_WORK/channel" >/dev/null
		return
	fi
	rm -f channel/settings
	coproc SERVE { exec "$PEER" network "$EMR_WORK/channel" "${CHANNEL_TAKEN:-$NET/ca.pem}" OrgB="$EMR_WORK/ca-2.pem" OrgC="$EMR_WORK/ca-3.pem" ${CHANNEL_MORE:-} 2>>"$EMR_WORK/peer.log"; }
	PEER_PID=$SERVE_PID
	emr_until test -s channel/settings
}

channel_stop() {
	local pids
	[ -n "${CHANNEL_RUNS:-}" ] || return 0
	CHANNEL_RUNS=
	if [ -n "${FABRIC:-}" ]; then
		pids=$(cut -d' ' -f1 "$EMR_WORK"/channel/*.pid)
		# shellcheck disable=SC2086
		kill $pids 2>/dev/null # some may be dead already
		# shellcheck disable=SC2086
		kill -CONT $pids 2>/dev/null # and a test may have failed while some stood still
		for pid in $pids; do await_gone "$pid"; done
	else # it ends when nobody holds its standard input any more
		eval "exec ${SERVE[1]}>&-"
		kill -CONT "$PEER_PID" 2>/dev/null # a test may have failed while it stood still
		await_gone "$PEER_PID"
	fi
}

channel_gateways() { # their processes
	if [ -n "${FABRIC:-}" ]; then cut -d' ' -f1 "$EMR_WORK"/channel/peer-[123].pid; else echo "$PEER_PID"; fi
}
channel_freeze() {
	local pid
	for pid in $(channel_gateways); do emr_stop "$pid"; done
}
channel_thaw() {
	local pid
	for pid in $(channel_gateways); do kill -CONT "$pid"; done
}

channel_pid() { cut -d' ' -f1 "$EMR_WORK/channel/$1.pid"; }

channel_kill() {
	local member pid
	for member in "$@"; do
		pid=$(channel_pid "$member")
		kill -KILL "$pid" && await_gone "$pid"
	done
}

channel_begin() {
	mkdir -m 700 net
	[ -n "${FABRIC:-}" ] || mkdir -m 700 channel
	channel_start
	cp channel/settings net/network
}

channel_msp() {
	local played=(_ OrgA OrgB OrgC)
	if [ -n "${FABRIC:-}" ]; then echo "Emr$1MSP"; else echo "${played[$1]}"; fi
}

channel_take() {
	if [ -n "${FABRIC:-}" ]; then must "$CHANNEL_EXAMPLE" trust "$1" "$2" "$EMR_WORK/channel"; else cat "$2" >>"$EMR_WORK/ca-$1.pem"; fi
}

channel_network() {
	local founding
	if [ -z "${FABRIC:-}" ]; then # it reads the file
		two_network "$1"
		return
	fi
	two_network "$1" &
	founding=$!
	emr_until test -s "$NET/ca.pem"
	channel_take 1 "$NET/ca.pem"
	wait "$founding" || exit 1
	TWO_ADMIN=hospital
}

at_end() {
	two_end
	channel_stop
}
