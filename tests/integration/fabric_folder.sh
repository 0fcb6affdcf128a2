#!/bin/bash
# fabric_folder.sh: the folders of two people stand on a Fabric network: save, share, read, revoke, log. Then comes everything that such a
# network does to its users, and lies that it must not get away with. PEER plays all of it in one process, with the contract as its
# chaincode; real peers (FABRIC) have the first half.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_folder
FAULT=$EMR_WORK/channel/fault
fault() { touch "$FAULT/$1"; }
is_over() { [ ! -e "$FAULT/$1" ]; }
versions=1
channel_begin

say "a hospital founds a network in a channel, whose people take its CA"
printf 'kind = fabric\nmsp = %s\n' "$(channel_msp 1)" >net/network
as hospital run 6 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file words
says "channel, chaincode"
sed 's/^kind.*/kind = cable/' channel/settings >net/network
as hospital run 6 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file words
says "cable"
{ cat channel/settings && grep ^organisation channel/settings | head -n 1; } >net/network
as hospital run 6 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file words
says "it stands there twice"
{ grep -v ^genesis channel/settings && echo "genesis = $(printf %064d 7)"; } >net/network
as hospital run 6 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file words &
founding=$!
emr_until test -s net/ca.pem
channel_take 1 net/ca.pem # before that nobody there tells it anything
wait "$founding" || exit 1
says "its channel begins with another block"
grep -v ^genesis channel/settings >net/network
channel_network "São Lucas"
grep -qx "$(grep ^genesis channel/settings)" net/network || emr_fail "what the channel begins with is not kept: $(cat net/network)"
[ ! -e net/ledger/ledger.sqlite ] || emr_fail "there is a ledger in the directory, too"
two_ana_and_lima
two_mount ana lima

say "what she saves, shares, and he reads"
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana json 0 status
expect "the kind of ledger" "$(field ledger.kind)" fabric
as ana run 0 share Imaging with lima --yes --wait
SHARE=
shown() { SHARE=$(ls -d lima-folder/shared-with-me/*/Imaging) && cat "$SHARE/MRI.txt"; }
emr_until shown >/dev/null
expect "what he reads" "$(cat "$SHARE/MRI.txt")" "a knee"
told() { as ana run 0 log Imaging && grep -q "opened\|read" out/said; }
emr_until told

say "a second organisation in the directory of the first is refused with a sentence"
echo a >ana-folder/a.txt
as ana run 0 status --wait
as trust run 6 org create Trust --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file words
says "an organisation is in it already"

say "somebody brings her folder along"
two_home eva
run 0 init --yes --name "Eva Reis" --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file eva.words
two_mount eva
echo "an ankle" >eva-folder/ankle.txt
run 0 status --wait
two_unmount eva
as hospital two_invite eva patient
inviting=$!
emr_until test -s eva.invitation
as eva run 0 join eva.invitation --yes --passphrase-file "$EMR_PASS"
wait "$inviting" || emr_fail "invite eva: $(cat out/invited-eva)"
two_mount eva
expect "what she has brought" "$(cat eva-folder/ankle.txt)" "an ankle"
as eva run 0 status --wait
as eva json 0 status
expect "the kind of her ledger" "$(field ledger.kind)" fabric
two_unmount eva

say "the network is away: what is saved waits, and goes there when it is back"
channel_stop
echo "a shoulder" >ana-folder/Imaging/CT.txt
away() { as ana run 0 status && grep -qi "away\|offline\|reach" out/said; }
emr_until away
channel_start
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "a shoulder" ]; }
emr_until reads

if [ -n "${FABRIC:-}" ]; then # real peers do not lie; fabric_faults.sh kills, stops and cuts them off, and fabric_silent.sh stops all
	two_unmount ana lima
	echo "all is well"
	exit 0
fi

say "it is done once, whatever happens on the way"
for what in mvcc lost lost-answer no-status twice; do
	fault $what
	echo "a knee, $what" >ana-folder/Imaging/MRI.txt
	as ana run 0 status --wait
	is_over $what || emr_fail "nothing met the fault $what"
	as ana json 0 ledger Imaging/MRI.txt --limit 100
	expect "versions after $what" "$(python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))')" $((++versions))
	reads() { [ "$(cat "$SHARE/MRI.txt")" = "a knee, $what" ]; }
	emr_until reads
done

say "a channel whose orderers take only small transactions gets what she saves in more of them"
fault narrow
mkdir ana-folder/Slices
for i in $(seq 300); do echo "slice $i" >"ana-folder/Slices/$i.txt"; done
as ana run 0 status --wait
rm "$FAULT/narrow"
grep -q "fabric: submit, too-large" ana/state/log || emr_fail "nothing was too large"
as ana json 0 status
expect "what waits" "$(field pending)" 0

say "gateways that take calls and answer none: status says so, and does not wait with who asks them"
kill -STOP "$PEER_PID"
echo "a shoulder blade" >ana-folder/Imaging/CT.txt
silent() {
	local begun=$EPOCHSECONDS
	as ana run 0 status
	# A status that waited for its call would take a minute.
	[ $((EPOCHSECONDS - begun)) -lt 50 ] || emr_fail "status took $((EPOCHSECONDS - begun)) s"
	grep -qi "away\|offline\|reach" out/said
}
emr_until silent
kill -CONT "$PEER_PID"
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "a shoulder blade" ]; }
emr_until reads

say "a gateway that takes its time for each block is not away: whoever asks meanwhile waits for who reads"
told_away() { cat ana-folder/.emrfs/notices lima-folder/.emrfs/notices | grep -c ledger-away; }
before=$(told_away)
fault slow-blocks
for i in 1 2 3; do
	rm -f channel/held
	echo "a collarbone $i" >lima-folder/collarbone.txt
	emr_until test -e channel/held
	echo "a collarbone $i" >ana-folder/Imaging/CT.txt # her computer reads his block
	as ana run 0 status --wait
	as lima run 0 status --wait
done
rm "$FAULT/slow-blocks"
expect "how often they were told that the ledger is away" "$(told_away)" "$before"
reads() { [ "$(cat "$SHARE/CT.txt")" = "a collarbone 3" ]; }
emr_until reads

say "the chaincode of her gateway's organisation is dead: another organisation's gateway has it endorsed"
fault endorse-1-says-endorsement
echo "a neck" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "a neck" ]; }
emr_until reads
rm "$FAULT/endorse-1-says-endorsement"

say "a gateway that has fewer blocks than were read makes him wait, and no more"
touch "$FAULT/lag"
second() { "$EMRFS" status >out/second 2>&1; grep -qi "away\|offline\|reach" out/second; }
echo "an elbow" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "an elbow" ]; }
emr_until reads
two_unmount lima
cp net/network settings
{ grep -v ^gateway settings && grep ^gateway settings | sed -n 2p; } >net/network
two_mount lima
emr_until as lima second
[ "$(stat -c %s "$SHARE/CT.txt")" = 9 ] || emr_fail "what he has seen before is not there: $(ls "$SHARE")"
rm "$FAULT/lag"
cp settings net/network
echo "a wrist" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "a wrist" ]; }
emr_until reads

say "one that gets no blocks any more is passed over while another has them, by who saves and by who reads"
two_unmount ana lima
{ grep -v ^gateway settings && grep ^gateway settings | sed -n '2p;1p'; } >net/network
touch "$FAULT/lag"
two_mount ana lima
SHARE=$(ls -d lima-folder/shared-with-me/*/Imaging)
for part in shin heel toe; do
	echo "a $part" >ana-folder/Imaging/CT.txt
	as ana run 0 status --wait
	reads() { [ "$(cat "$SHARE/CT.txt")" = "a $part" ]; }
	emr_until reads
done
as ana run 0 verify
rm "$FAULT/lag"
two_unmount ana lima
cp settings net/network
two_mount ana lima
emr_until reads

say "a gateway of a channel that begins otherwise is refused by whoever reads from the beginning"
lima_other() { "$EMRFS" status >out/other 2>&1; grep -q "a gateway of your network says does not hold" out/other; }
two_unmount lima
touch "$FAULT/other-beginning"
mv lima/state/replica.fabric/fabric.position lima.position
as lima run 0 mount --passphrase-file "$EMR_PASS" lima-folder
emr_until as lima lima_other
grep -q "other-channel (The channel there begins.*transaction [0-9a-f]\{64\}: another first block" lima/state/log || emr_fail "another reason: $(tail lima/state/log)"
as lima run 0 unmount
as ana run 8 verify
says "another first block"
says "genesis"
rm "$FAULT/other-beginning"
as ana run 0 verify
says "The channel begins with the block that your keyring, or the network"

say "one gateway that has another first block is passed over while others have the right one"
for lie in "odd-beginning another first block" "first-named a first block that names one before it"; do
	fault "${lie%% *}"
	rm -f lima/state/replica.fabric/fabric.position
	two_mount lima
	as lima run 0 verify
	grep -q "${lie#* }" lima/state/log || emr_fail "nothing met the fault ${lie%% *}"
	rm "$FAULT/${lie%% *}"
	two_unmount lima
done

say "where the settings do not say how it begins, or say otherwise, the keyrings know it"
cp net/network settings
{ grep -v ^genesis settings && echo "genesis = $(printf %064d 7)"; } >net/network
two_unmount ana
two_mount ana
as ana run 0 verify
says "The channel begins with the block that your keyring, or the network"
grep -v ^genesis settings >net/network
two_unmount ana
two_mount ana lima
as ana run 0 verify
says "The channel begins with the block that your keyring, or the network"
touch "$FAULT/other-beginning"
as ana run 8 verify
says "another first block"
rm "$FAULT/other-beginning"
say "a first block that can be none is no first block, also where nobody has said how it begins"
two_unmount ana
{ grep -v "^ge\|^gateway" settings && grep ^gateway settings | sed -n 1p; } >net/network
fault first-named
two_mount ana
as ana run 8 verify
says "a first block that names one before it"
rm "$FAULT/first-named"
as ana run 0 verify
two_unmount ana lima
cp settings net/network
two_mount ana lima
SHARE=$(ls -d lima-folder/shared-with-me/*/Imaging)

say "a gateway that gives other private parts makes him wait, and no more"
touch "$FAULT/other-parts"
echo "a thumb" >ana-folder/Imaging/CT.txt
emr_until grep -q "gives another private part" lima/state/log
rm "$FAULT/other-parts"
as ana run 0 status --wait
reads() { [ "$(cat "$SHARE/CT.txt")" = "a thumb" ]; }
emr_until reads

say "it ends when she takes it back"
as ana run 0 revoke --yes Imaging from lima --yes
gone() { [ ! -e "$SHARE/CT.txt" ]; }
emr_until gone
two_unmount ana lima
as ana run 0 mount --passphrase-file "$EMR_PASS" ana-folder
expect "what she has after it was opened again" "$(cat ana-folder/Imaging/CT.txt)" "a thumb"
as ana run 0 verify
says "Each block is signed by orderers of these organisations"

say "a peer that lies gets nothing into her folder, and says what it is"
two_mount hospital
refuses() { "$EMRFS" status >out/refused 2>&1; grep -q "a gateway of your network says does not hold" out/refused; }
for what in forged unsigned; do
	fault $what
	echo "after $what" >ana-folder/Imaging/hip.txt
	emr_until as ana refuses
	rm "$FAULT/$what"
	grep -q "lie.*\(not signed by its creator\|fewer organisations have endorsed it\)" ana/state/log || emr_fail "another reason: $(tail ana/state/log)"
	as ana run 4 unmount # it waits for the ledger
	as ana run 0 mount --passphrase-file "$EMR_PASS" ana-folder
	as ana run 0 status --wait
done
as ana run 0 verify
says "Each block is signed by orderers of these organisations"

say "a peer that makes blocks, or has others sign them, is told by whoever verifies"
for what in unordered peer-ordered stranger-ordered outsider-ordered; do
	fault $what
	as ana run 8 verify
	says "no orderer has signed"
	rm "$FAULT/$what"
	as ana run 0 verify
	says "Each block is signed by orderers of these organisations"
done

say "while verify reads all blocks again, whoever shares does not wait for it"
fault held-beginning
as ana "$EMRFS" verify >out/verified 2>&1 &
verifying=$!
emr_until test -e channel/held
as ana run 0 share Imaging with lima --yes --wait
kill -0 "$verifying" || emr_fail "verify did not wait for the block: $(cat out/verified)"
rm "$FAULT/held-beginning"
wait "$verifying" || emr_fail "verify: $(cat out/verified)"
