#!/bin/bash
# network.sh: a hospital makes a network in a directory, two patients join it; each has a folder of his own, and nothing of
# another's name or content is in any byte of ledger, mail or the others' states. Verify, backup, words and restore of a member.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
emr_begin network
cd "$EMR_WORK" || exit 2
at_end() {
	local who
	for who in hospital ana rui; do
		emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"
	done
}
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1; [ -d "$1" ] || { mkdir -m 700 "$1" && printf 'kdf = 8,1\n' >"$1/settings"; mkdir -p "$1-folder"; }; }
NET=$EMR_WORK/net
# join WHO NAME ROLE: the hospital invites and waits; WHO comes.
join() {
	home hospital
	"$EMRFS" org invite "$1" --role "$3" -o "$1.invitation" --passphrase-file "$EMR_PASS" --json >"out/invited-$1" 2>&1 </dev/null &
	local hospital=$! i
	for ((i = 0; i < 2400; i++)); do [ -s "$1.invitation" ] && break; sleep 0.05; done
	home "$1"
	run 0 init --join "$1.invitation" --yes --name "$2" --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file "$1.words"
	says "members of São Lucas see"
	wait "$hospital" || emr_fail "org invite: $(cat "out/invited-$1")"
	grep -q '"role":"'"$3"'"' "out/invited-$1" || emr_fail "invited: $(cat "out/invited-$1")"
	[ ! -e "$1.invitation" ] || emr_fail "the used invitation is still there"
}

say "a hospital makes a network"
home hospital
mkdir full && touch full/file
run 2 org create "São Lucas" --passphrase-file "$EMR_PASS" --words-file w
run 6 org create "São Lucas" --network full --yes --passphrase-file "$EMR_PASS" --words-file w
[ ! -e "$EMRFS_HOME/state/keyfile" ] && [ -e full/file ] || emr_fail "something was made or removed"
run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file hospital.words
says "A network is a directory of one account: everybody who joins $NET does so as $(id -un)"
[ "$(stat -c %a "$NET")" = 700 ] || emr_fail "others may enter the network's directory"
run 2 org invite ana --passphrase-file "$EMR_PASS"
run 2 org invite ana --role king -o x --passphrase-file "$EMR_PASS"
run 7 org invite ana --role patient -o nobody.invitation --within 1s --passphrase-file "$EMR_PASS"
says "A network is a directory of one account"
[ ! -e nobody.invitation ] || emr_fail "the invitation that is over is still there"

say "two patients join"
join ana "Ana Silva" patient
join rui "Rui Costa" patient
run 6 org invite eva --role patient -o x --passphrase-file "$EMR_PASS"
[ -z "$(ls "$NET/mail")" ] || emr_fail "mail was left: $(ls "$NET/mail")"
for who in hospital ana rui; do
	expect "the blocks of $who" "$(readlink $who/state/blocks)" "$NET/blocks"
	ls "$NET/blocks/seg-$(head -c 32 $who/state/device)-"*.car >/dev/null || emr_fail "no segment of $who"
	[ ! -e "$who/state/blocks.moved" ] || emr_fail "$who: the old place is still there"
done

say "an invitation is for once, for its network, and whole"
home hospital
"$EMRFS" org invite eva --role patient -o eva.invitation --within 10min --passphrase-file "$EMR_PASS" >out/eva 2>&1 </dev/null &
waiting=$!
for ((i = 0; i < 2400; i++)); do [ -s eva.invitation ] && break; sleep 0.05; done
cp eva.invitation copy.invitation
python3 -c 'd = bytearray(open("copy.invitation", "rb").read()); d[70] ^= 1; open("changed.invitation", "wb").write(d)'
kill -TERM $waiting
wait $waiting
expect "exit code of an invitation that was ended" $? 130
grep -q 'invitation for eva is withdrawn' out/eva || emr_fail "ended: $(cat out/eva)"
[ ! -e eva.invitation ] || emr_fail "the invitation that was ended is still there"
# As Ctrl-C; a shell's background ignores it otherwise.
env --default-signal=INT "$EMRFS" org invite eva --role patient -o eva.invitation --within 10min --passphrase-file "$EMR_PASS" --json >out/eva 2>&1 </dev/null &
waiting=$!
for ((i = 0; i < 2400; i++)); do [ -s eva.invitation ] && break; sleep 0.05; done
kill -INT $waiting
wait $waiting
expect "exit code of Ctrl-C" $? 130
grep -q '"error": *"withdrawn"' out/eva || emr_fail "Ctrl-C: $(cat out/eva)"
[ ! -e eva.invitation ] && [ -z "$(ls "$NET/mail")" ] || emr_fail "left after Ctrl-C"
home eva
run 8 init --join changed.invitation --yes --passphrase-file "$EMR_PASS" --words-file eva.words
run 5 init --join none.invitation --yes --passphrase-file "$EMR_PASS" --words-file eva.words
run 7 init --join copy.invitation --within 1s --yes --passphrase-file "$EMR_PASS" --words-file eva.words
[ ! -e "$EMRFS_HOME/state/keyfile" ] && [ -z "$(ls "$NET/mail")" ] || emr_fail "half a member"

say "each has a folder"
for who in hospital ana rui; do
	home $who
	run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$who-folder"
done
for who in hospital ana rui; do
	must mkdir "$who-folder/Ward of $who"
	echo "finding of $who, malignant" >"$who-folder/Ward of $who/letter-$who.txt"
done
for who in hospital ana rui; do
	home $who
	run 0 status --wait
	expect "content" "$(cat "$who-folder/Ward of $who/letter-$who.txt")" "finding of $who, malignant"
	expect "top of $who" "$(ls "$who-folder" | tr '\n' ' ')" "Inbox Ward of $who "
	json 0 verify
	expect "bad" "$(field bad)" "[]"
done

say "a process of one reads the blocks of another, also those saved a moment ago"
head -c 700000 /dev/urandom >"rui-folder/Ward of rui/scan.bin"
home rui
run 0 status --wait
cid=$(attribute cid "rui-folder/Ward of rui/scan.bin")
for who in ana hospital; do
	"$READ_BLOCKS" $who/state "$cid" "$(head -c 32 rui/state/device)" >out/blocks || emr_fail "$who cannot read them"
	read -r all of_rui <out/blocks
	[ "$all" -ge 5 ] && [ "$all" = "$of_rui" ] || emr_fail "$who read $all blocks, $of_rui of rui's"
done
json 0 status
rui_bytes=$(field bytes)
home ana
json 0 status
[ "$(field bytes)" -lt 1000 ] && [ "$rui_bytes" -gt 700000 ] || emr_fail "ana has $(field bytes) bytes, rui $rui_bytes"
json 0 keep --purge
run 0 people card -o ana.card
home hospital
run 0 people add ana.card --name ana
json 0 people ana
expect "registered" "$(python3 -c 'import json; p = json.load(open("out/said"))["people"][0]; print(p["role"], p["organisation"], p["registered"], p["same_network"])')" \
	"patient São Lucas True True"
home hospital
mkdir -p "hospital-folder/Old" && echo erased >"hospital-folder/Old/paper.txt"
run 0 status --wait
run 0 erase Old/paper.txt --yes --passphrase-file "$EMR_PASS"
for who in ana hospital; do
	"$READ_BLOCKS" $who/state "$cid" "$(head -c 32 rui/state/device)" >out/blocks || emr_fail "$who cannot read them any more"
done
for who in hospital ana rui; do home $who; run 0 unmount; done
run 0 verify --passphrase-file "$EMR_PASS"
nothing_in_clear "Ana Silva" "Rui Costa" "Ward of" letter- malignant 1970-01-01 -- "$NET" hospital/state ana/state rui/state

say "a member's second copy, and the network again"
home ana
run 0 backup copy
grep -q ' network$' copy/emrfs-backup || emr_fail "the copy does not say where the network is"
grep -q "seg-$(head -c 32 ana/state/device)-" copy/emrfs-backup || emr_fail "the copy lacks ana's segments"
! grep "seg-$(head -c 32 rui/state/device)-" copy/emrfs-backup || emr_fail "ana's copy has rui's segments"
run 0 backup --verify copy
home ana2
mv "$NET" "$NET.away"
run 6 init --restore copy --passphrase-file "$EMR_PASS"
mv "$NET.away" "$NET"
run 0 init --restore copy --passphrase-file "$EMR_PASS"
expect "the ledger of all" "$(readlink "$EMRFS_HOME/state/ledger")" "$NET/ledger"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
expect "restored" "$(cat "ana-folder/Ward of ana/letter-ana.txt")" "finding of ana, malignant"
echo "one more" >"ana-folder/Ward of ana/more.txt"
run 0 status --wait
run 0 unmount

say "the network's blocks of one member are lost, and come back from his copy"
home ana2
run 0 backup copy
rm -r "$EMR_WORK/ana2"
rm "$NET/blocks/"*"$(head -c 32 ana/state/device)"*
home ana2
run 0 init --restore copy --passphrase-file "$EMR_PASS"
expect "the blocks of all" "$(readlink "$EMRFS_HOME/state/blocks")" "$NET/blocks"
run 0 verify --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
expect "restored again" "$(cat "ana-folder/Ward of ana/more.txt")" "one more"
run 0 unmount

say "a member from before there were common blocks is moved over, also when the move was interrupted"
home rui
apart() { # as an earlier version left it
	rm rui/state/blocks rui/state/device && mkdir -m 700 rui/state/blocks
	mv "$NET/blocks/seg-$1-"* rui/state/blocks/ && cp "$NET/blocks/format" rui/state/blocks/
}
device=$(head -c 32 rui/state/device)
apart "$device"
run 0 verify --passphrase-file "$EMR_PASS"
expect "moved" "$(readlink rui/state/blocks)" "$NET/blocks"
apart "$device"
: >"$NET/blocks/.moving-$device"
cp rui/state/blocks/seg-* "$NET/blocks/" && cp "$(ls rui/state/blocks/seg-* | head -1)" "$NET/blocks/seg-$device-000099.car"
truncate -s 500 "$(ls "$NET/blocks/seg-$device-"* | head -1)"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
[ ! -e "$NET/blocks/seg-$device-000099.car" ] && [ ! -e "$NET/blocks/.moving-$device" ] || emr_fail "the move is not over"
run 0 verify
run 0 unmount
mkdir -m 700 rui/state/blocks.moved && touch rui/state/blocks.moved/rest
run 0 verify --passphrase-file "$EMR_PASS"
[ ! -e rui/state/blocks.moved ] || emr_fail "the old place is still there"

say "words of another member open nothing of mine"
home rui
cp rui/state/keyfile keyfile
run 12 recover --words-file ana.words --new-passphrase-file "$EMR_PASS"
must cmp keyfile rui/state/keyfile
run 0 recover --words-file rui.words --new-passphrase-file "$EMR_PASS"

say "the network's directory is away: names are there, nothing can be changed, nothing is lost"
mv "$NET" "$NET.away"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
says "only their names are here"
expect "names" "$(ls "rui-folder/Ward of rui" | tr '\n' ' ')" "letter-rui.txt scan.bin "
cat "rui-folder/Ward of rui/letter-rui.txt" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
run 0 unmount
run 8 backup rui-copy
mv "$NET.away" "$NET"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
expect "with the network" "$(cat "rui-folder/Ward of rui/letter-rui.txt")" "finding of rui, malignant"
echo later >"rui-folder/Ward of rui/later.txt"
run 0 status --wait
run 0 unmount
echo "all is well"
