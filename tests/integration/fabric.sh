#!/bin/bash
# fabric.sh: the network of examples/network/fabric starts, heals, leaves nothing, and judges as the embedded ledger does; by Raft and by
# BFT. Its `up` may be killed, and a `down` may come meanwhile.
# FABRIC has the programs of Fabric, PROGRAMS those that ledger-client/chaincode/build made.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fabric
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
TOP=$(cd "$SUPPORT/../.." && pwd)
NETWORK=$TOP/examples/network/fabric
export FABRIC CHAINCODE=$PROGRAMS/recorded
process() { read -r pid _ <"net/$1.pid" && echo "$pid"; }
# Everything that it starts, whether it knows of that or not, has this in its environment.
runs_still() { grep -lsz "^FABRIC_CFG_PATH=$EMR_WORK/net/config\$" /proc/[0-9]*/environ; }
ended() { tail -s 0.05 --pid="$1" -f /dev/null; }
members="peer-1 orderer-1 chaincode-1 peer-2 orderer-2 chaincode-2 peer-3 orderer-3 chaincode-3"

say "three organisations start, and have approved the contract"
"$NETWORK" status net 2>/dev/null && emr_fail "status of a network that is not there"
must "$NETWORK" up raft net
must "$NETWORK" status net
"$NETWORK" status net >said
expect "lines" "$(grep -c ': process ' said)" 9
for org in hospital-a hospital-b trust; do
	grep -q "^$org peer: process [0-9]*, height [0-9]*$" said && grep -q "^$org orderer [123]: process [0-9]*, active, height [0-9]*$" said || emr_fail "$(cat said)"
done

say "only their owner has the keys, and nothing listens but on loopback"
expect "mode" "$(stat -c %a net)" 700
for member in $members; do
	pid=$(process "$member")
	find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' >mine
	awk 'NR == FNR { mine[$1]; next } $4 == "0A" && $10 in mine { print $2 }' mine "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" >listens
	[ -s listens ] || emr_fail "$member listens nowhere"
	grep -vE '^(0100007F|0000000000000000FFFF00000100007F):' listens && emr_fail "$member listens elsewhere"
done

say "what is no certificate becomes nobody's CA, and one that is known already changes nothing"
"$NETWORK" trust 1 said net 2>complained && emr_fail "a list of processes is a CA"
grep -q "is no certificate" complained || emr_fail "$(cat complained)"
height=$("$NETWORK" status net | sed -n 's/^trust peer: .*height //p')
must "$NETWORK" trust 2 net/2/ca/cert.pem net
expect "blocks" "$("$NETWORK" status net | sed -n 's/^trust peer: .*height //p')" "$height"

say "recorded batches have the recorded outcome at all three, and leave the rows and parts of the embedded ledger"
must "$PROGRAMS/drive" fabric "$TOP/tests/conformance/contract" "$TOP/tests/vectors" net

say "a killed peer, orderer and chaincode are missed and come back with what they had; the others go on"
height=$("$NETWORK" status net | sed -n 's/^trust peer: .*height //p')
before="$(process peer-1) $(process orderer-1) $(process chaincode-1) $(process peer-2)"
for member in peer-3 orderer-3 chaincode-3; do
	pid=$(process $member)
	kill -9 "$pid"
	ended "$pid"
done
"$NETWORK" status net >said && emr_fail "status says that all is well"
for member in peer "orderer 3" chaincode; do grep -qx "trust $member: does not run" said || emr_fail "$(cat said)"; done
# Not out of today's sources: it is the one that the channel was made with. (A cmake that fails shows that nothing is built.)
mkdir broken && printf '#!/bin/sh\nexit 1\n' >broken/cmake && chmod +x broken/cmake
CHAINCODE=/bin/true "$NETWORK" up raft net 2>said && emr_fail "another contract was taken"
grep -q "was made with another contract" said || emr_fail "$(cat said)"
(unset CHAINCODE && PATH=$EMR_WORK/broken:$PATH must "$NETWORK" up raft net) || exit 1
cmp "/proc/$(process chaincode-3)/exe" "$CHAINCODE" || emr_fail "the contract is another one"
expect "the others" "$(process peer-1) $(process orderer-1) $(process chaincode-1) $(process peer-2)" "$before"
[ "$("$NETWORK" status net | sed -n 's/^trust peer: .*height //p')" -ge "$height" ] || emr_fail "it has lost blocks"

"$NETWORK" up bft net 2>said && emr_fail "another way of ordering was taken"
grep -q "orders otherwise" said || emr_fail "$(cat said)"

say "another process that has the number of a peer now is not taken for it, and not ended"
pid=$(process peer-2)
kill -9 "$pid"
ended "$pid"
sleep 1000 &
other=$!
sed -i "s/^[0-9]*/$other/" net/peer-2.pid
"$NETWORK" status net | grep -qx "hospital-b peer: does not run" || emr_fail "a stranger counts as a peer"
pids=$(for member in $members; do [ $member = peer-2 ] || process $member; done)
must "$NETWORK" down net
kill -0 "$other" || emr_fail "a stranger was ended"
kill "$other"

say "nothing is left"
[ ! -e net ] || emr_fail "left: $(find net)"
for pid in $pids; do
	kill -0 "$pid" 2>/dev/null && emr_fail "process $pid goes on"
done
runs_still && emr_fail "something goes on that it has forgotten"

say "a directory that is somebody's is left alone"
mkdir somebody && touch somebody/letter
"$NETWORK" up raft somebody 2>said && emr_fail "it was taken"
grep -q "is no network of this program" said || emr_fail "$(cat said)"
"$NETWORK" down somebody 2>/dev/null && emr_fail "it was removed"
[ -f somebody/letter ] || emr_fail "a letter is gone"

say "an up that is killed leaves a network that the next one finishes"
"$NETWORK" up bft net >killed 2>&1 &
up=$!
emr_until test -s net/peer-1.pid
kill -KILL "$up"
wait "$up" 2>/dev/null
[ ! -e net/settings ] || emr_fail "it was finished before"

say "four orderers by BFT: one that is killed is missed by nobody"
must "$NETWORK" up bft net
expect "what runs of it" "$(runs_still | wc -l)" 10
expect "lines" "$("$NETWORK" status net | grep -c ' orderer [1234]: process ')" 4
pid=$(process orderer-4)
kill -9 "$pid"
ended "$pid"
must "$PROGRAMS/drive" story "$TOP/tests/conformance/contract" "$TOP/tests/vectors" net
"$NETWORK" status net >said && emr_fail "status says that all is well"
grep -qx "trust orderer 4: does not run" said || emr_fail "$(cat said)"

say "a down that comes while an up is under way waits for it, and leaves nothing"
"$NETWORK" up bft net >said 2>&1 &
up=$!
follows() { [ "$(process orderer-4 2>/dev/null)" != "$pid" ]; }
emr_until follows
must "$NETWORK" down net
wait "$up" || emr_fail "it was not waited for: $(cat said)"
[ ! -e net ] || emr_fail "left: $(find net)"
runs_still && emr_fail "something goes on"
echo "all is well"
