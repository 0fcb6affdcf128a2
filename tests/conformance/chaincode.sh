#!/bin/bash
# chaincode.sh PROGRAMS RECORDS VECTORS: three organisations' chaincodes judge every recorded batch over the wire, and agree.
set -u
. "$(cd "$(dirname "$0")/../../examples/network" && pwd)/kit.sh"
programs=$1 records=$2 vectors=$3
addresses=() pids=()
at_end() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
}
trap at_end EXIT
for _ in 1 2 3; do
	address=127.0.0.1:$(free_port)
	CHAINCODE_ID=emrfs_1:test CHAINCODE_SERVER_ADDRESS=$address "$programs/recorded" &
	pids+=($!)
	addresses+=("$address")
done
"$programs/drive" wire "$records" "$vectors" "${addresses[@]}" &
drive=$!
pids+=($drive)
wait -n -p ended
code=$?
[ "$ended" = "$drive" ] || fail "a chaincode has ended by itself"
exit $code
