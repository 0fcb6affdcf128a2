#!/bin/bash
# fabric_doubt.sh: peers call a transaction valid that this computer cannot verify. The answer of a majority of organisations decides, and
# status names it. Until they answer, folders go on saving, and administrators can go on ending rights. PEER plays the channel, because real
# peers take no such transaction.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_doubt
channel_begin
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join lima "Paula Lima" clinician
two_join nora "Nora Pinto" clinician
two_cards ana lima nora
FAULT=$EMR_WORK/channel/fault
two_mount ana
echo "a knee" >ana-folder/knee.txt
as ana run 0 status --wait
ends() { as ana json 0 status && [ "$(field doubt.end)" = "$1" ]; } # how it ends with what is in doubt
error_is() { as ana json 0 status && [ "$(field ledger.error)" = "$1" ]; }
versions() { as ana json 0 ledger "$1" --limit 100 && python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))'; }
expect "in doubt" "$(as ana json 0 status; field doubt)" None

say "what a majority of organisations calls valid counts, and status names it"
touch "$FAULT/spoils"
echo "a second one" >ana-folder/knee.txt
as ana run 0 status --wait
rm "$FAULT/spoils"
ends valid || emr_fail "$(cat out/said)"
expect "why" "$(field doubt.cause)" "fewer organisations have endorsed it than must"
[ "$(field doubt.block)" -gt 0 ] || emr_fail "no block"
expect "its transaction" "$(field doubt.transaction | tr -d 0-9a-f | wc -c)" 1
[[ $(field doubt.certificate) == *CN=* ]] || emr_fail "no certificate"
named() { # status says with which certificate it came
	local words
	as ana json 0 status
	words="what came with the certificate \"$(field doubt.certificate)\""
	as ana run 0 status
	says "$words"
}
named
as hospital run 0 org show --passphrase-file "$EMR_PASS" # its computer has read so far, too

say "what a majority has endorsed waits for nobody: her folder saves, also while no organisation says a word"
touch "$FAULT"/silent-Org{A,B,C} "$FAULT/steals"
echo "a third one" >ana-folder/knee.txt
as ana run 0 status --wait
ends endorsed || emr_fail "$(cat out/said)"
rm "$FAULT/steals"
echo "an elbow" >ana-folder/elbow.txt
as ana run 0 status --wait
expect "what waits" "$(as ana json 0 status; field pending) $(field failed) $(field ledger.error)" "0 0 None"
as hospital run 0 org revoke nora --yes --passphrase-file "$EMR_PASS"
says_not "in doubt"

say "what too few have endorsed, and too few call valid, is named, and nothing behind it is read; what she saves is kept, and goes on to the channel"
touch "$FAULT/spoils"
echo "a fourth one" >ana-folder/knee.txt
emr_until ends open
rm "$FAULT/spoils"
emr_until error_is ledger-refuses
named
says "emrfs status names it"
echo "a hip" >ana-folder/hip.txt
as ana run 4 unmount "$EMR_WORK/ana-folder" # what waits is said
two_mount ana
emr_until ends open
expect "her folder" "$(cat ana-folder/{knee,elbow,hip}.txt)" $'a fourth one\nan elbow\na hip'
[ "$(as ana json 0 status; field pending)" -gt 0 ] || emr_fail "nothing waits"
expect "what failed" "$(field failed)" 0

say "who must be revoked is revoked meanwhile: the channel has it, and takes nothing of the key from then on"
as hospital run 0 org revoke lima --yes --passphrase-file "$EMR_PASS"
says "lima"
says "It is on the ledger, behind a transaction in doubt"
rm "$FAULT"/silent-Org{A,B,C}
as ana run 0 status --wait=120s
ends valid || emr_fail "$(cat out/said)"
as hospital json 0 org show --passphrase-file "$EMR_PASS"
expect "who is in force" "$(python3 -c 'import json
print(sorted(m["handle"] for m in json.load(open("out/said"))["members"] if m["in_force"] and m["handle"] in ("lima", "nora")))')" "[]"
expect "versions" "$(versions knee.txt) $(versions hip.txt)" "4 1"
as ana run 0 verify --chain --passphrase-file "$EMR_PASS"
