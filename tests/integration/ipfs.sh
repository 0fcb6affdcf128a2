#!/bin/bash
# ipfs.sh: the private network of three nodes of examples/network/ipfs starts, heals, and leaves nothing.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin ipfs
process() { read -r pid _ <"net/$1.pid" && echo "$pid"; }

say "three nodes start, answer, and know each other"
"$NETWORK" status net 2>/dev/null && emr_fail "status of a network that is not there"
must "$NETWORK" up net
for n in 1 2 3; do
	expect "lines of node $n" "$("$NETWORK" status net | grep -c "^node $n: process $(process $n), Kubo 0\.43\.1, 2 others")" 1
done

say "only their owner reaches them: no port answers but those of the private swarm"
expect "mode" "$(stat -c %a net)" 700
expect "mode of the key" "$(stat -c %a net/swarm.key)" 600
for n in 1 2 3; do
	jq -r '.Addresses.API[], .Addresses.Gateway[]' "net/$n/config" | grep -v "^/unix$EMR_WORK/net/$n/" && emr_fail "node $n answers elsewhere"
	pid=$(process $n)
	find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' >mine
	listens=$(awk 'NR == FNR { mine[$1]; next } $4 == "0A" && $10 in mine { print $2 }' mine "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6")
	expect "ports of node $n" "$(wc -w <<<"$listens")" 1
	expect "address of node $n" "${listens%:*}" 0100007F
done
grep -lF "$(tail -1 net/swarm.key)" net/[123]/swarm.key | wc -l | grep -qx 3 || emr_fail "one has another key"

say "what one has, another fetches"
head -c 100000 /dev/urandom >scan
cid=$(IPFS_PATH=$EMR_WORK/net/1 "$KUBO" add -Q --cid-version=1 --raw-leaves scan) || emr_fail "add"
IPFS_PATH=$EMR_WORK/net/3 "$KUBO" cat --timeout=60s "$cid" | cmp - scan || emr_fail "other bytes"

say "a killed node starts again over its own socket, the others go on, and it has what it had"
before="$(process 1) $(process 3)"
kill -9 "$(process 2)"
ended() { tail -s 0.05 --pid="$1" -f /dev/null; }
ended "$(process 2)"
[ -S net/2/api.sock ] || emr_fail "the socket went by itself: then there is nothing to see here"
"$NETWORK" status net >said && emr_fail "status says that all is well"
grep -qx "node 2: does not run" said || emr_fail "$(cat said)"
must "$NETWORK" up net
expect "the others" "$(process 1) $(process 3)" "$before"
IPFS_PATH=$EMR_WORK/net/1 "$KUBO" cat --offline "$cid" | cmp - scan || emr_fail "it is lost"

say "another process that has the number of a node now is not taken for it, and not ended"
kill -9 "$(process 2)"
ended "$(process 2)"
sleep 1000 &
other=$!
sed -i "s/^[0-9]*/$other/" net/2.pid
"$NETWORK" status net | grep -qx "node 2: does not run" || emr_fail "a stranger counts as a node"
pids="$(process 1) $(process 3)"
must "$NETWORK" down net
kill -0 "$other" || emr_fail "a stranger was ended"
kill "$other"

say "nothing is left"
[ ! -e net ] || emr_fail "left: $(find net)"
for pid in $pids; do
	kill -0 "$pid" 2>/dev/null && emr_fail "process $pid goes on"
done

say "a directory that is somebody's is left alone"
mkdir somebody && touch somebody/letter
"$NETWORK" up somebody 2>said && emr_fail "it was taken"
grep -q "is no network of this program" said || emr_fail "$(cat said)"
"$NETWORK" down somebody 2>/dev/null && emr_fail "it was removed"
[ -f somebody/letter ] || emr_fail "a letter is gone"
echo "all is well"
