#!/bin/bash
# fetch_stalled.sh: a live IPFS node is connected to the only one that has the blocks, and gets nothing from it. The reader is told in
# bounded time which node did not give them, and how to find an earlier version, which is here; nobody else waits, and everything comes when
# the other node goes on.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
STOPPED=
at_end() {
	[ -z "$STOPPED" ] || kill -CONT "$STOPPED"
	kubo_end
}
kubo_begin fetch_stalled
kubo() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
name_nodes() { # N...: and nothing is cached
	local n
	sed -i '/^node/d' "$EMRFS_HOME/settings"
	for n in "$@"; do echo "node = unix:$EMR_WORK/net/$n/api.sock" >>"$EMRFS_HOME/settings"; done
	rm -rf "$EMRFS_HOME/cache"
}
errno_of() { python3 -c 'import sys
try: open(sys.argv[1], "rb").read(); print(0)
except OSError as e: print(e.errno)' "$1"; }
noticed() { grep -q -- " $1 .*$2" "$MNT/.emrfs/notices"; }
must "$NETWORK" up net >/dev/null

say "a record whose first version is here, and whose second one only a node has, which another is connected to"
emr_init
name_nodes 1
emr_mount
mkdir "$MNT/Imaging"
head -c 400000 /dev/urandom >before
head -c 900000 /dev/urandom >after
must cp before "$MNT/Imaging/scan"
emr_until has_state "$MNT/Imaging/scan" "confirmed 2/2"
expect version "$(confirmed_version "$MNT/Imaging/scan")" 1
must cp after "$MNT/Imaging/scan"
is_second() { [ "$(attribute version "$MNT/Imaging/scan")" = 2 ] && has_state "$MNT/Imaging/scan" "confirmed 2/2"; }
emr_until is_second
cid=$(attribute cid "$MNT/Imaging/scan")
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
emr_unmount
python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car >/dev/null
holder=$(kubo 1 id -f '<id>') || emr_fail "node 1 does not say its name"
is_connected() { kubo 2 swarm peers | grep -qF "$holder"; }
emr_until is_connected
kubo 2 block stat --offline "$cid" >/dev/null 2>&1 && emr_fail "node 2 has it itself: then there is nothing to see here"

say "the one that has it says nothing any more, and stays connected"
read -r STOPPED _ <net/1.pid
kill -STOP "$STOPPED"
name_nodes 2
emr_mount
is_connected || emr_fail "it is not connected any more: then there is nothing to see here"
expect errno "$(errno_of "$MNT/Imaging/scan")" 5 # the node that is named has none, and whom it asks says nothing
emr_until noticed missing-everywhere Imaging/scan
for words in net/2/api.sock "restore --list 'Imaging/scan'"; do
	grep "missing-everywhere.*Imaging/scan" "$MNT/.emrfs/notices" | grep -qF "$words" || emr_fail "$(cat "$MNT/.emrfs/notices")"
done

say "what is here goes on meanwhile: names, the version before, what is saved"
cat "$MNT/Imaging/scan" >out/late 2>out/complaint &
reader=$!
expect listing "$(ls "$MNT/Imaging")" scan
expect size "$(stat -c %s "$MNT/Imaging/scan")" 900000
run 0 restore --list Imaging/scan
run 0 restore Imaging/scan@v1 --to Imaging/earlier
cmp before "$MNT/Imaging/earlier" || emr_fail "the version before: other bytes"
must cp after "$MNT/Imaging/saved"
cmp after "$MNT/Imaging/saved" || emr_fail "what is saved: other bytes"
wait "$reader" && emr_fail "it was read from nowhere"
expect "bytes from nowhere" "$(wc -c <out/late)" 0

say "when it goes on, all of it comes through the node that looked for it"
kill -CONT "$STOPPED"
STOPPED=
same() { cmp after "$MNT/Imaging/scan"; }
emr_until same
emr_unmount
echo "all is well"
