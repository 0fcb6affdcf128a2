#!/bin/bash
# chaincode.sh PROGRAMS CHAINCODE COMMAND...: runs the CHAINCODE (recorded or emr-chaincode) of three organisations while COMMAND speaks to
# them.
set -u
. "$(cd "$(dirname "$0")/../../examples/network" && pwd)/kit.sh"
programs=$1 chaincode=$2
shift 2
addresses=() ports=() pids=()
at_end() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
}
trap at_end EXIT
for _ in 1 2 3; do
	port=$(free_port "${ports[@]}")
	ports+=("$port")
	address=127.0.0.1:$port
	CHAINCODE_ID=emrfs_1:test CHAINCODE_SERVER_ADDRESS=$address "$programs/$chaincode" &
	pids+=($!)
	addresses+=("$address")
done
"$programs/drive" "$@" "${addresses[@]}" &
drive=$!
pids+=($drive)
wait -n -p ended
code=$?
[ "$ended" = "$drive" ] || fail "a chaincode has ended by itself"
exit $code
