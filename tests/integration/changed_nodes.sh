#!/bin/bash
# changed_nodes.sh: live IPFS nodes that are not what they were when they come back: another one with an empty repository behind the
# same address, one that has half of its blocks, one that does not sync its blocks, one whose disk is full. The copies that people are
# told of are true soon after, and each node gets by itself what it lacks.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
at_end() {
	cd "$EMR_WORK" && mountpoint -q net/1 && stop_node 1 && umount -l net/1
	cd /
	kubo_end
}
kubo_begin changed_nodes
kubo() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }
has_state() { [ "$(attribute state "$MNT/$1")" = "$2" ]; }
# holds NODE CID...: all are pinned there, and every block of them is read where the node stores it.
holds() { [ $# -ge 2 ] && kubo "$1" pin ls --type=recursive "${@:2}" && kubo "$1" dag stat --offline --progress=false "${@:2}"; } >/dev/null 2>&1
stop_node() { read -r pid _ <"net/$1.pid" && kill -9 "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null; }
answers() { curl -s --unix-socket "net/$1/api.sock" -o /dev/null -X POST http://node/api/v0/version; }
start_node() { # NODE: alone, as another identity is none that the others know
	rm -f "net/$1"/*.sock
	IPFS_PATH=$EMR_WORK/net/$1 LIBP2P_FORCE_PNET=1 setsid "$KUBO" daemon >"net/$1.log" 2>&1 </dev/null &
	echo "$! $(emr_began $!)" >"net/$1.pid"
	disown # a killed node is no news for the shell
	emr_until answers "$1"
}
copies_say() { "$EMRFS" copies >copied 2>&1; grep -A1 -F "net/$1/api.sock " copied | grep -qF "$2"; }
is_known_away() { copies_say 1 "does not answer"; }

must "$NETWORK" up net >/dev/null
emr_init
echo "node = unix:$EMR_WORK/net/1/api.sock" >>"$EMRFS_HOME/settings"
emr_mount
mkdir "$MNT/Imaging" records
for i in $(seq 60); do head -c $((i * 1500)) /dev/urandom >"records/$i"; done # more than one list of pins is asked for
head -c 3000000 /dev/urandom >records/scan
must cp records/* "$MNT/Imaging"
for file in records/*; do emr_until has_state "Imaging/${file##*/}" "confirmed 2/2"; done
mapfile -t cids < <(for file in records/*; do attribute cid "$MNT/Imaging/${file##*/}" && echo; done)
holds 1 "${cids[@]}" || emr_fail "the node does not hold them"
# `copies --repair` asks the node about all records, so the question of each day does not fall into this test. It also ends the ten
# minutes after the node's last return, in which a further return would not be asked about.
is_asked_for_all() { run 0 copies --repair; }
is_asked_for_all

say "another node with an empty repository stands behind the address: what the one before had counts no more, and all of it is given to the new one"
stop_node 1
echo "meanwhile" >"$MNT/meanwhile"
emr_until is_known_away
IPFS_PATH=$EMR_WORK/other must "$KUBO" init --profile=test --empty-repo >/dev/null
jq -s '.[0].Identity = .[1].Identity | .[0]' net/1/config other/config >config
cp net/1/swarm.key config other
rm -r net/1 && mv other net/1
start_node 1
emr_until holds 1 "${cids[@]}"
emr_until has_state meanwhile "confirmed 2/2"
for file in records/*; do emr_until has_state "Imaging/${file##*/}" "confirmed 2/2"; done

say "half of its blocks are gone, and every pin is there: it gets them again"
is_asked_for_all
stop_node 1
echo "once more" >"$MNT/once-more"
emr_until is_known_away
find net/1/blocks -name '*.data' -size +200k | sort | awk 'NR % 2' | xargs rm
start_node 1
kubo 1 pin ls --type=recursive "${cids[@]}" >/dev/null || emr_fail "the pins went, too: then there is nothing to see here"
holds 1 "${cids[@]}" && emr_fail "nothing is gone"
emr_until holds 1 "${cids[@]}"
for file in records/*; do emr_until has_state "Imaging/${file##*/}" "confirmed 2/2"; done

say "it does not wait for its disk any more: what it has counts for nothing, which is said, until the command that is printed was run there"
is_asked_for_all
stop_node 1
echo "and again" >"$MNT/and-again"
emr_until is_known_away
jq '.Datastore.Spec.mounts |= map(if .mountpoint == "/blocks" then .sync = false else . end)' net/1/config >config && cat config >net/1/config
start_node 1
emr_until has_state Imaging/scan "confirmed 1/2"
emr_until copies_say 1 "may lose in a power cut what it says it keeps"
emr_until grep -qF node-unsynced "$MNT/.emrfs/notices"
is_there() { holds 1 "$(attribute cid "$MNT/$1")"; }
emr_until is_there and-again
run 3 copies Imaging/scan
"$EMRFS" check --network --json >out/said
mkdir bin && ln -s "$KUBO" bin/ipfs
mend=$(python3 -c 'import json; print([c["mend"] for c in json.load(open("out/said"))["checks"] if c["name"] == "sync"][0])')
IPFS_PATH=$EMR_WORK/net/1 PATH=$EMR_WORK/bin:$PATH bash -c "$mend" || emr_fail "the command: $mend"
stop_node 1
start_node 1
echo "once it is mended" >"$MNT/mended"
emr_until has_state mended "confirmed 2/2"
emr_until has_state Imaging/scan "confirmed 2/2"

say "its disk is full: it is said so, what is saved is registered and read, and the rest goes there when there is room"
is_asked_for_all
stop_node 1
mv net/1 before && mkdir net/1
must mount -t tmpfs -o size=24m none net/1
must cp -a before/. net/1
start_node 1
head -c 40000000 /dev/urandom >study
must cp study "$MNT/study"
emr_until copies_say 1 "The disk of"
emr_until has_state study "confirmed 1/2"
cmp study "$MNT/study" || emr_fail "other bytes"
run 0 status
says "The disk of"
must mount -o remount,size=200m net/1
emr_until has_state study "confirmed 2/2"
holds 1 "$(attribute cid "$MNT/study")" || emr_fail "it does not hold the study"
emr_unmount
echo "all is well"
