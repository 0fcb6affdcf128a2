#!/bin/bash
# fabric_hostile.sh: on real peers one member has 203 transactions ordered that no honest program writes, and everybody reads on, through
# each peer. FABRIC has the programs of Fabric, CHAINCODE, HOSTILE and PEER are the contract and the tests' programs.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fabric_hostile
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
NETWORK=$(cd "$SUPPORT/../.." && pwd)/examples/network/fabric
export FABRIC CHAINCODE

say "three organisations that order by Raft, and one of their members"
must "$NETWORK" up raft net
must mkfifo to from
SEED=${SEED:-$RANDOM}
echo "seed $SEED"
"$PEER" garble "$SEED" <to >from &
must "$HOSTILE" net to from 200
must "$NETWORK" down net
