#!/bin/bash
# fabric_gateway.sh: through the gateway of a real peer batches are registered with the contract and read again; ordered by BFT with one of
# four orderers killed (by Raft fabric_storm.sh registers and reads). FABRIC has the programs of Fabric, CHAINCODE and LIVE are the contract
# and the client's test: gateway_live.c, or the fifty who join one dataset at once.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fabric_gateway
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
NETWORK=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric
export FABRIC CHAINCODE

say "four orderers by BFT, one of which is dead"
must "$NETWORK" up bft net
read -r pid _ <net/orderer-4.pid
kill -9 "$pid"
tail -s 0.05 --pid="$pid" -f /dev/null
must "$LIVE" net
must "$NETWORK" down net
