#!/bin/bash
# ipfs_cluster.sh: a live IPFS Cluster is a place for copies: the pins of its peers are counted, also when one of them is gone, and all of
# them let go of an erased record.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin ipfs_cluster
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs-cluster
KUBO=$("${NETWORK%-cluster}" build) || emr_fail "Kubo is not built"
CLUSTER=$("$NETWORK" build) || emr_fail "IPFS Cluster is not built"
export KUBO CLUSTER
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
kubo() { IPFS_PATH=$EMR_WORK/net/nodes/$1 "$KUBO" "${@:2}"; }
holds() { kubo "$1" pin ls --type=recursive "$2" && kubo "$1" dag stat --offline --progress=false "$2"; } >/dev/null 2>&1
# How many peers say that they have pinned it, in the cluster's own words.
pinned() { curl -sS --fail --unix-socket net/peer-3/rest.sock "http://peer/pins/$1" | jq '[.peer_map[] | select(.status == "pinned")] | length'; }
cid() { attribute cid "$1"; }
places() { printf 'kdf = 8,1\n%s\n' "$1" >"$EMRFS_HOME/settings"; }
copied() { "$EMRFS" copies "$@" >copied 2>&1; }

must "$NETWORK" up net >/dev/null
emr_init
places "node = unix:$EMR_WORK/net/nodes/1/api.sock
cluster = unix:$EMR_WORK/net/peer-1/rest.sock
cluster-copies = 3"

say "check says that the cluster answers"
"$EMRFS" check --network >checked 2>&1
grep -q "net/peer-1/rest.sock runs IPFS Cluster 1.1.6" checked || emr_fail "$(cat checked)"

say "three peers pin what is saved, and are three copies"
emr_mount
for i in 1 2 3; do head -c $((i * 300000)) /dev/urandom >"$MNT/scan-$i"; done
for i in 1 2 3; do
	emr_until has_state "$MNT/scan-$i" "confirmed 4/4"
	expect "peers that have scan-$i" "$(pinned "$(cid "$MNT/scan-$i")")" 3
	for n in 1 2 3; do holds $n "$(cid "$MNT/scan-$i")" || emr_fail "node $n does not hold scan-$i"; done
done
must copied
grep -q "^unix:$EMR_WORK/net/peer-1/rest.sock *3 of 3$" copied || emr_fail "$(cat copied)"

say "a record too large for one import is pinned whole"
head -c 80000000 /dev/urandom >"$MNT/study"
emr_until has_state "$MNT/study" "confirmed 4/4"
holds 3 "$(cid "$MNT/study")" || emr_fail "node 3 does not hold the study"

say "with a peer gone there is one copy fewer, and it is said"
read -r pid _ <net/peer-2.pid
kill "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
head -c 1000 /dev/urandom >"$MNT/while-away"
emr_until has_state "$MNT/while-away" "confirmed 3/4"
copied while-away
expect "exit of copies" $? 3
must "$NETWORK" up net >/dev/null
# On a busy computer emrfs may not hear of the fourth peer within seconds. It would ask again in ten minutes; --repair asks now.
repaired() { "$EMRFS" copies --repair >/dev/null 2>&1; has_state "$MNT/while-away" "confirmed 4/4"; }
emr_until repaired

say "what is erased is let go by every peer"
root=$(cid "$MNT/scan-2")
must "$EMRFS" erase --yes --passphrase-file "$EMR_PASS" scan-2 >/dev/null
gone() { [ "$(pinned "$root")" = 0 ] && for n in 1 2 3; do ! kubo $n pin ls --type=recursive "$root" >/dev/null 2>&1 || return 1; done; }
emr_until gone
[ "$(pinned "$(cid "$MNT/scan-1")")" = 3 ] || emr_fail "another record was let go, too"

say "fewer copies are wanted: that frees nothing"
emr_unmount
sed -i 's/^cluster-copies = 3$/cluster-copies = 1/' "$EMRFS_HOME/settings"
emr_mount
must copied --repair
expect "peers that have scan-1" "$(pinned "$(cid "$MNT/scan-1")")" 3
emr_unmount
echo "all is well"
