# A channel of Hyperledger Fabric for a test that has begun by two.sh, with emrfs-fabric for each of three organisations. FABRIC has the
# programs of Fabric, CHAINCODE is the contract, and BACKEND the directory with emrfs-fabric. two.sh begins it where ON_CHANNEL is set.
#
#   channel_begin              it runs; two_network makes its network there from here on, through the first organisation's backend
#   channel_org WHO "Name" 2 ADMIN...   WHO makes an organisation there, through the backend of the channel's organisation 2 (or 3) and with a
#                              host of its own, at which its people join; members' ADMINs admit it
#   channel_host WHO           its host begins, or begins again where it was; the founder's is two_host
#   channel_host_kill WHO      as a crash
#   channel_pid peer-1         a process of the channel; orderer-N, chaincode-N, backend-N
#   channel_kill peer-1...     as a power cut; channel_start starts again what does not run
#   channel_end                nothing of it is left; two_end calls it
#
# A test may set beforehand: CHANNEL_KIND, how orderers agree (default: raft), and CHANNEL_WITH, further options of `up`.
CHANNEL_EXAMPLE=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric
declare -gA CHANNEL_PORT=() CHANNEL_HOST=()

channel_begin() {
	[ -n "${FABRIC:-}" ] || emr_skip "only where FABRIC names the programs of Hyperledger Fabric"
	export FABRIC CHAINCODE BACKEND
	channel_start
	must "$CHANNEL_EXAMPLE" backends "$EMR_WORK/channel"
	TWO_CHANNEL=$EMR_WORK/channel/backend/1/run
}
# shellcheck disable=SC2086
channel_start() { must "$CHANNEL_EXAMPLE" up "${CHANNEL_KIND:-raft}" ${CHANNEL_WITH:-} "$EMR_WORK/channel" >"$EMR_WORK/out/channel"; }
channel_pid() { cut -d' ' -f1 "$EMR_WORK/channel/$1.pid"; }
channel_kill() {
	local member pid
	for member in "$@"; do
		pid=$(channel_pid "$member")
		kill -KILL "$pid" && await_gone "$pid"
	done
}

channel_org() {
	local who=$1 name=$2 admin waiting
	as "$who" orgs_apply "$who" "$name" --network "$EMR_WORK/net-$who" --channel "$EMR_WORK/channel/backend/$3/run"
	waiting=$!
	emr_until orgs_waits
	for admin in "${@:4}"; do
		as "$admin" run 0 org admit "$name" --yes --passphrase-file "$EMR_PASS"
	done
	wait "$waiting" || emr_fail "org create $name: $(cat "$EMR_WORK/out/applied-$who")"
	channel_host "$who"
}
channel_host() {
	local NET=$EMR_WORK/net-$1 TWO_PORT=${CHANNEL_PORT[$1]:-} TWO_HOST TWO_ADDRESS
	two_host
	CHANNEL_PORT[$1]=$TWO_PORT CHANNEL_HOST[$1]=$TWO_HOST
}
channel_host_kill() { kill -KILL "${CHANNEL_HOST[$1]}" && await_gone "${CHANNEL_HOST[$1]}"; }

channel_end() {
	local host
	for host in "${CHANNEL_HOST[@]}"; do kill -KILL "$host" 2>/dev/null; done
	[ ! -d "$EMR_WORK/channel" ] || "$CHANNEL_EXAMPLE" down "$EMR_WORK/channel" >/dev/null 2>&1
}
