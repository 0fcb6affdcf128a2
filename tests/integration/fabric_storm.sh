#!/bin/bash
# fabric_storm.sh: many clients write through real peers and orderers while one member after the other is killed, or stops for seconds, at
# random. Nothing that was acknowledged is lost, nothing is there twice, and the part of each accepted item lies at two organisations. STORM
# is the clients, STORM_S how long (default: one minute).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fabric_storm
STOPPED=
at_end() {
	[ -z "$STOPPED" ] || kill -CONT "$STOPPED" 2>/dev/null
	[ -z "${CLIENTS:-}" ] || kill "$CLIENTS" 2>/dev/null
	[ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1
}
cd "$EMR_WORK" || exit 2
NETWORK=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric
export FABRIC CHAINCODE
# So few calls at once that six hundred are too many for all three.
export CORE_PEER_LIMITS_CONCURRENCY_GATEWAYSERVICE=50
RANDOM=${STORM_SEED:-$$}
echo "seed ${STORM_SEED:-$$}"

must "$NETWORK" up raft net >/dev/null
"$STORM" net "${STORM_S:-60}" >said 2>&1 &
CLIENTS=$!
runs() { kill -0 "$CLIENTS" 2>/dev/null; }

say "twenty writers of one record, and six hundred calls at once"
until [ -e net/storm ] || ! runs; do sleep 0.2; done

say "a storm"
faults=0
members=(peer-1 peer-2 peer-3 orderer-1 orderer-2 orderer-3 chaincode-1 chaincode-2 chaincode-3)
while [ -e net/storm ] && runs; do
	member=${members[RANDOM % ${#members[@]}]}
	read -r pid _ <"net/$member.pid"
	faults=$((faults + 1))
	if [ $((RANDOM % 3)) = 0 ]; then
		echo "$member stops for a while"
		STOPPED=$pid
		kill -STOP "$pid"
		sleep $((RANDOM % 8 + 1))
		kill -CONT "$pid"
		STOPPED=
	else
		echo "$member is killed"
		kill -KILL "$pid"
		await_gone "$pid"
		sleep $((RANDOM % 4))
		must "$NETWORK" up raft net >/dev/null
	fi
	sleep $((RANDOM % 3))
done
must "$NETWORK" up raft net >/dev/null

say "what the clients were told, after $faults faults"
wait "$CLIENTS" || emr_fail "$(cat said)"
CLIENTS=
cat said
