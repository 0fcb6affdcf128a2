#!/bin/bash
# network.sh: a hospital makes a network in a directory and serves it, two patients join it; each has a folder of their own, and nothing of
# another's name or content is in any byte of ledger, blocks, mail or the others' states. Verify, backup, words and restore of a member.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin network
PF="--passphrase-file $EMR_PASS"
say "a hospital makes a network, and nobody else comes in before it has a host"
two_home hospital
mkdir full && touch full/file
run 2 org create "São Lucas" $PF --words-file w
run 6 org create "São Lucas" --network full --yes $PF --words-file w
[ ! -e "$EMRFS_HOME/state/keyfile" ] && [ -e full/file ] || emr_fail "something was made or removed"
run 0 org create "São Lucas" --network "$NET" --yes $PF --words-file hospital.words
[ "$(stat -c %a "$NET")" = 700 ] || emr_fail "others may enter the network's directory"
json 6 invite ana --role patient -o ana.invitation $PF
expect "error" "$(field error)" over-its-host
[ ! -e ana.invitation ] || emr_fail "an invitation that leads nowhere"
TWO_ADMIN=hospital
two_host
run 2 invite ana $PF
run 2 invite ana --role king -o x $PF
run 7 invite nobody --role patient -o nobody.invitation --within 1s --wait=10min $PF

say "two patients join"
for who in "ana Ana Silva" "rui Rui Costa"; do
	two_join "${who%% *}" "${who#* }" patient
	as "${who%% *}" says "members of São Lucas see"
	grep -q '"role":"patient"' "out/invited-${who%% *}" || emr_fail "invited: $(cat "out/invited-${who%% *}")"
done
as rui run 6 invite eva --role patient -o x $PF
[ -z "$(ls "$NET/host/mail" | grep -v '\.certificate$\|\.invitation$')" ] || emr_fail "mail was left: $(ls "$NET/host/mail")"

say "an invitation is for once, for its network, and whole"
two_home hospital
run 0 invite eva --role patient -o eva.invitation $PF
cp eva.invitation copy.invitation
python3 -c 'd = bytearray(open("copy.invitation", "rb").read()); d[70] ^= 1; open("changed.invitation", "wb").write(d)'
run 0 org revoke eva --yes $PF
two_home eva
run 8 init --join changed.invitation --yes $PF --words-file eva.words
run 5 init --join none.invitation --yes $PF --words-file eva.words
run 8 init --join copy.invitation --within 1s --yes $PF --words-file eva.words
[ ! -e "$EMRFS_HOME/state/keyfile" ] || emr_fail "half a member"

say "each has a folder"
two_mount hospital ana rui
for who in hospital ana rui; do
	must mkdir "$who-folder/Ward of $who"
	echo "finding of $who, malignant" >"$who-folder/Ward of $who/letter-$who.txt"
done
for who in hospital ana rui; do
	two_home $who
	run 0 status --wait
	expect "content" "$(cat "$who-folder/Ward of $who/letter-$who.txt")" "finding of $who, malignant"
	expect "top of $who" "$(ls "$who-folder" | tr '\n' ' ')" "Inbox Ward of $who "
	json 0 verify
	expect "bad" "$(field bad)" "[]"
done

say "numbers are those of one member"
head -c 700000 /dev/urandom >"rui-folder/Ward of rui/scan.bin"
two_home rui
run 0 status --wait
json 0 status
rui_bytes=$(field bytes)
two_home ana
json 0 status
[ "$(field bytes)" -lt 1000 ] && [ "$rui_bytes" -gt 700000 ] || emr_fail "ana has $(field bytes) bytes, rui $rui_bytes"
json 0 keep --purge
run 0 people card -o ana.card
two_home hospital
run 0 people add ana.card --name ana
json 0 people ana
expect "registered" "$(python3 -c 'import json; p = json.load(open("out/said"))["people"][0]; print(p["role"], p["organisation"], p["registered"], p["same_network"])')" \
	"patient São Lucas True True"
mkdir -p "hospital-folder/Old" && echo erased >"hospital-folder/Old/paper.txt"
run 0 status --wait
run 0 erase Old/paper.txt --yes $PF
two_unmount hospital ana rui
run 0 verify $PF
nothing_in_clear "Ana Silva" "Rui Costa" "Ward of" letter- malignant 1984-03-12 -- "$NET" hospital/state ana/state rui/state

say "a member's second copy, and the network again"
two_home ana
run 0 backup copy
says_not "own verified copy"
run 0 backup --verify copy
two_home ana2
run 0 init --restore copy $PF
two_host_kill
two_mount ana2
expect "restored" "$(cat "ana2-folder/Ward of ana/letter-ana.txt")" "finding of ana, malignant"
echo "one more" >"ana2-folder/Ward of ana/more.txt"
two_host
run 0 status --wait
two_unmount ana2

say "words of another member open nothing of mine"
two_home rui
cp rui/state/keyfile keyfile
run 12 recover --words-file ana.words --new-passphrase-file "$EMR_PASS"
must cmp keyfile rui/state/keyfile
run 0 recover --words-file rui.words --new-passphrase-file "$EMR_PASS"

say "the owner's directory is away: names are there, nothing can be changed, nothing is lost"
two_home hospital
mv "$NET" "$NET.away"
run 0 mount $PF hospital-folder
says "only their names are here"
expect "names" "$(ls "hospital-folder/Ward of hospital" | tr '\n' ' ')" "letter-hospital.txt "
cat "hospital-folder/Ward of hospital/letter-hospital.txt" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
run 0 unmount
run 8 backup hospital-copy
mv "$NET.away" "$NET"
run 0 mount $PF hospital-folder
expect "with the network" "$(cat "hospital-folder/Ward of hospital/letter-hospital.txt")" "finding of hospital, malignant"
echo later >"hospital-folder/Ward of hospital/later.txt"
run 0 status --wait
run 0 unmount
echo "all is well"
