#!/bin/bash
# fabric_nodes.sh: a doctor elsewhere sees and opens in the open folder what a patient saves. The two have nothing in common but a channel
# of Fabric and an IPFS node that knows the patient's: a file is there soon after it is confirmed, whole or not at all. Nodes are live ones;
# the network is the program PEER.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/far.sh"
far_fuse "$0"
two_begin fabric_nodes
NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs
KUBO=$("$NETWORK" build) || emr_fail "Kubo is not built"
far_account games
THERE=${FAR[games]} # the home of another account
NODES=$THERE/nodes  # hers is the first, and his the second
install -m 755 "$KUBO" "$THERE/ipfs"
network() { far games env KUBO="$THERE/ipfs" "$NETWORK" "$1" "$NODES"; }
ipfs() { far games env IPFS_PATH="$NODES/$1" "$THERE/ipfs" "${@:2}"; }
at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	[ ! -d "$NODES" ] || network down >/dev/null 2>&1
	far_end
	channel_stop
}
channel_begin
must network up >/dev/null

say "a patient and a doctor with another account share a folder by a channel and two nodes"
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
echo "node = unix:$NODES/1/api.sock" >>ana/settings
two_mount ana
far_home games lima
as hospital two_invite lima clinician
inviting=$!
emr_until test -s lima.invitation
far_take games lima.invitation lima.invitation
far_as games lima run 0 init --join "$THERE/lima.invitation" --yes --name "Paula Lima" --born 1970-01-01 --passphrase-file "$THERE/passphrase" \
	--words-file "$THERE/lima.words"
wait "$inviting" || emr_fail "invite lima: $(cat out/invited-lima)"
far games sh -c "echo 'node = unix:$NODES/2/api.sock' >>lima/settings"
far_as games lima run 0 mount --passphrase-file "$THERE/passphrase" "$THERE/lima-folder"
as ana run 0 people card -o "$EMR_WORK/ana.card"
far_take games ana.card ana.card
far_as games lima run 0 people add "$THERE/ana.card" --name ana
far_as games lima run 0 people card -o "$THERE/lima.card"
as ana run 0 people add "$THERE/lima.card" --name lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/first
as ana run 0 share Imaging with lima --yes --wait
read_there() { far games sh -c "cat lima-folder/shared-with-me/*/Imaging/$1" 2>/dev/null; }
first() { [ "$(read_there first)" = "a knee" ]; }
emr_until first

say "what she saves while both folders are open he sees and opens, and meets nothing but the whole of it"
state() { getfattr --only-values -n user.emrfs.state --absolute-names -- "ana-folder/Imaging/$1"; }
is_confirmed() { [[ $(state "$1") == confirmed* ]]; }
is_whole() { # NAME: he has it; what he gets before that is nothing, or its beginning
	read_there "$1" >out/there
	cmp -s "$1" out/there && return 0
	cmp -s -n "$(stat -c %s out/there)" "$1" out/there || emr_fail "$1: he read other bytes"
	return 1
}
seconds() { echo "$EPOCHREALTIME" | tr -d .; }
for bytes in 2000 700000 5000000; do
	head -c $bytes /dev/urandom >"scan-$bytes"
	far games sh -c "ls lima-folder/shared-with-me/*/Imaging" | grep -q "^scan-$bytes$" && emr_fail "he sees it before it is saved"
	cp "scan-$bytes" ana-folder/Imaging
	emr_until is_confirmed "scan-$bytes"
	confirmed=$(seconds)
	emr_until is_whole "scan-$bytes"
	echo "  $bytes bytes: opened by him $((($(seconds) - confirmed) / 1000)) ms after they were confirmed"
done

say "it came by his node, which had it from hers"
cid=$(getfattr --only-values -n user.emrfs.cid --absolute-names -- ana-folder/Imaging/scan-5000000)
leaf=$(ipfs 1 refs --recursive --offline "$cid" | grep bafkr | tail -n 1)
[ -n "$leaf" ] || emr_fail "her node has no leaves of it"
ipfs 2 block stat --offline "$leaf" >/dev/null || emr_fail "his node has not had it"
ipfs 2 pin ls --type=recursive "$cid" >/dev/null 2>&1 && emr_fail "he gave it to his node, as if it were his"

say "with both nodes away what she saves is named in his folder and not opened, and opens when they are back"
for n in 1 2; do
	read -r pid _ <"$NODES/$n.pid"
	kill "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
done
echo "an ankle" >ankle && cp ankle ana-folder/Imaging
emr_until is_confirmed ankle
named() { far games sh -c "ls lima-folder/shared-with-me/*/Imaging" | grep -q '^ankle$'; }
emr_until named
is_whole ankle && emr_fail "it came from nowhere"
must network up >/dev/null
emr_until is_whole ankle
far_as games lima run 0 unmount
two_unmount ana
echo "all is well"
