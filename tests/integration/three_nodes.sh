#!/bin/bash
# three_nodes.sh: three live IPFS nodes have every record, and this computer has lost all of its blocks. Any of the three is killed while a
# file is read: that file and all others are read to their ends, and listing, saving and registering go on.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin three_nodes
must "$NETWORK" up net >/dev/null
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
name_nodes() { # N...: in the order in which they are asked
	local n
	sed -i '/^node/d' "$EMRFS_HOME/settings"
	for n in "$@"; do echo "node = unix:$EMR_WORK/net/$n/api.sock" >>"$EMRFS_HOME/settings"; done
}
emr_init
name_nodes 1 2 3

say "a folder with a large file and small ones is on three nodes and here"
emr_mount
mkdir "$MNT/Imaging" records
for i in $(seq 12); do head -c $((i * 9000)) /dev/urandom >"records/$i"; done
head -c 30000000 /dev/urandom >records/scan
cp records/* "$MNT/Imaging"
for file in records/*; do emr_until has_state "$MNT/Imaging/${file##*/}" "confirmed 4/4"; done
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
emr_unmount

say "this computer has none of their blocks any more: all of it is read back"
taken=$(python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car)
[ "$taken" -gt 140 ] || emr_fail "only $taken blocks were taken away"
emr_mount
diff -r records "$MNT/Imaging" || emr_fail "other bytes"
emr_unmount

for n in 1 2 3; do
	say "node $n, which is asked first, is killed while the large file is read"
	name_nodes "$n" $((n % 3 + 1)) $(((n + 1) % 3 + 1))
	rm -rf "$EMRFS_HOME/cache"
	emr_mount
	exec 5<"$MNT/Imaging/scan"
	head -c 300000 <&5 >"read"
	read -r pid _ <"net/$n.pid"
	kill -9 "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
	cat <&5 >>"read" || emr_fail "the read did not go on"
	exec 5<&-
	cmp "read" records/scan || emr_fail "other bytes"
	expect "listing" "$(ls "$MNT/Imaging" | grep -c '^[0-9s]')" $((12 + n))
	for i in $(seq 12); do cmp "records/$i" "$MNT/Imaging/$i" || emr_fail "$i: other bytes"; done
	echo "saved without node $n" >"records/saved-$n"
	must cp "records/saved-$n" "$MNT/Imaging/"
	emr_until has_state "$MNT/Imaging/saved-$n" "confirmed 3/4"
	"$EMRFS" copies >copied 2>&1
	grep -A1 -F "net/$n/api.sock" copied | grep -qF "does not answer" || emr_fail "$(cat copied)"
	must "$NETWORK" up net >/dev/null
	emr_until has_state "$MNT/Imaging/saved-$n" "confirmed 4/4"
	emr_unmount
done
echo "all is well"
