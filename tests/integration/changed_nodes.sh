#!/bin/bash
# changed_nodes.sh: a live IPFS node does not sync its blocks any more when it comes back: what it has is no copy, which people are told
# of, until the command that emrfs prints was run there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
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
mkdir "$MNT/Imaging"
head -c 3000000 /dev/urandom >scan
must cp scan "$MNT/Imaging"
emr_until has_state Imaging/scan "confirmed 2/2"
holds 1 "$(attribute cid "$MNT/Imaging/scan")" || emr_fail "the node does not hold it"
# `copies --repair` asks the node about all records, so the question of each day does not fall into this test. It also ends the ten
# minutes after the node's last return, in which a further return would not be asked about.

say "it does not wait for its disk any more: what it has counts for nothing, which is said, until the command of doc/operate.md was run there"
run 0 copies --repair
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
mkdir bin && ln -s "$KUBO" bin/ipfs
mend=$(grep -o '`ipfs config --json Datastore.Spec [^`]*`' "$SUPPORT/../../doc/operate.md" | tr -d '`')
IPFS_PATH=$EMR_WORK/net/1 PATH=$EMR_WORK/bin:$PATH bash -c "$mend" || emr_fail "the command: $mend"
stop_node 1
start_node 1
echo "once it is mended" >"$MNT/mended"
emr_until has_state mended "confirmed 2/2"
emr_until has_state Imaging/scan "confirmed 2/2"
emr_unmount
echo "all is well"
