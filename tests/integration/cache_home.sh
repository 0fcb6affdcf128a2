#!/bin/bash
# cache_home.sh: blocks that this computer lost are read from a live node and lie in the cache. When that node is gone for good, too, they
# return from the cache to the store and go to another node. That node gives all of them back after this computer's store and cache were
# both lost.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin cache_home
must "$NETWORK" up net >/dev/null
emr_init
nodes() { printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings" && for n in "$@"; do echo "node = unix:$EMR_WORK/net/$n/api.sock"; done >>"$EMRFS_HOME/settings"; }
everywhere() { [ "$(attribute state "$MNT/Imaging/$1")" = "confirmed 2/2" ]; }
whole() { diff -r mine "$MNT/Imaging" || emr_fail "$1: other bytes"; }
cached() { find "$EMRFS_HOME/cache/blocks" -type f 2>/dev/null | wc -l; }
lose_blocks() {
	taken=$(python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car)
	[ "$taken" -ge 14 ] || emr_fail "only $taken blocks were taken away"
}

say "records are here and on the first node; then their blocks are lost here, and read from there into the cache"
nodes 1
emr_mount
mkdir mine
must mkdir "$MNT/Imaging"
head -c 3000000 /dev/urandom >mine/scan && echo "a knee" >mine/letter
must cp mine/* "$MNT/Imaging"
for name in scan letter; do emr_until everywhere $name; done
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
emr_unmount
lose_blocks
emr_mount
holds() { "$EMRFS" copies | grep -q "api.sock *2 of 2$"; } # or what is brought goes home at once
emr_until holds
whole "from the node"
must "$EMRFS" export Imaging out/again.car >out/said 2>&1 # which wants what describes the records, too
names() { python3 "$SUPPORT/car_walk.py" names "$1" | grep -v /catalogue | cut -d" " -f1; } # catalogues have another key each time
expect "what is exported" "$(names out/again.car)" "$(names out/all.car)"
# The leaves of both; what leads to them went home as they were read.
[ "$(cached)" -ge 13 ] || emr_fail "only $(cached) blocks are in the cache"
emr_unmount

say "the first node is gone for good, another one is named: the cache has the only copy, which goes home"
read -r pid _ <net/1.pid
kill -9 "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
nodes 2
emr_mount
whole "from the cache"

say "from there the second node is given all of it"
for name in scan letter; do emr_until everywhere $name; done
emr_unmount
rm -rf "$EMRFS_HOME/cache"
nodes
emr_mount
whole "from the own store, without a cache and without nodes"
run 0 verify
emr_unmount

say "the own store and the cache are lost: the second node gives it back, byte for byte"
lose_blocks
rm -rf "$EMRFS_HOME/cache"
emr_mount
cmp -s mine/scan "$MNT/Imaging/scan" && emr_fail "it was read from nowhere"
emr_unmount
nodes 2
emr_mount
whole "from the second node"
emr_unmount
echo "all is well"
