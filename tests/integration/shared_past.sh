#!/bin/bash
# shared_past.sh: earlier versions of Ana's share, for a reader whose share has the history, and for a reader whose share has not.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin shared_past
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
echo "another knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait

# asked WANTED-EXIT ARGUMENTS...: as json, but a computer that is too busy to give a key within ten seconds is asked again.
comes() {
	local wanted=$1
	shift
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" --json >out/said 2>out/complained </dev/null
	[ $? = "$wanted" ]
}
asked() { emr_until comes "$@"; }

say "who got no history is told so, and that it is not his"
as ana run 0 share Imaging with lima --yes --wait
imaging() { ls -d lima-folder/shared-with-me/*/Imaging >/dev/null 2>&1; }
emr_until imaging
OWNER=$(ls lima-folder/shared-with-me)
FILE="shared-with-me/$OWNER/Imaging/MRI.txt"
two_home lima
asked 6 restore --list "$FILE"
expect error "$(field error)" no-history
run 6 restore --list "$FILE"
says "$FILE belongs to $OWNER; it is shared with you as it is now, without its earlier versions."
asked 6 restore "$FILE@v1" --to old.txt
expect error "$(field error)" no-history
[ ! -e lima-folder/old.txt ] || emr_fail "a copy"

say "verbs for one's own records say whose it is"
for verb in "ledger $FILE" "export $FILE out.car" "export $FILE out.proof --proof" "erase $FILE --yes --passphrase-file $EMR_PASS" "move $FILE mine.txt"; do
	json 6 ${verb%%" $FILE"*} "$FILE" ${verb#*"$FILE"}
	expect "$verb" "$(field error)" not-yours
done
run 6 ledger "$FILE"
says "$FILE belongs to $OWNER; ledger PATH is for your own records."
[ ! -e out.car ] && [ ! -e out.proof ] || emr_fail "a file was made"

say "who got it sees the versions"
as ana run 0 share Imaging with lima --history --until 60d --yes --wait
has_history() { json 0 share && grep -q '"history": *true' out/said; }
emr_until has_history
asked 0 restore --list "$FILE"
versions() { python3 -c 'import json
for v in json.load(open("out/said"))["version_list"]: print(v["version"], v["bytes"], v["current"], v["who"], sep="|")'; }
expect "versions" "$(versions | cut -d'|' -f1-3)" "2|13|True
1|7|False"
expect "who" "$(versions | cut -d'|' -f4)" "$OWNER
$OWNER"

say "and has one as a copy of his own"
json 2 restore "$FILE@v1"
expect error "$(field error)" copy-where
asked 0 restore "$FILE@v1" --to old.txt
expect "the copy" "$(cat lima-folder/old.txt)" "a knee"
original() { [ "$(cat "lima-folder/$FILE")" = "another knee" ]; }
emr_until original
asked 0 restore "$FILE@v2" --to now.txt
expect "from" "$(field copied_from)" "$OWNER"
must cmp lima-folder/now.txt ana-folder/Imaging/MRI.txt
asked 5 restore "$FILE@v7" --to other.txt
expect error "$(field error)" no-such-version
asked 1 restore "$FILE@v1" --to old.txt
expect error "$(field error)" exists
asked 5 restore "$FILE@v1" --to Nowhere/old.txt
expect error "$(field error)" no-such-path
asked 5 restore --list "${FILE%MRI.txt}CT.txt"
json 2 restore --list "${FILE%/MRI.txt}"
words() { timeout "$EMR_PATIENCE" "$EMRFS" restore "$FILE@v1" --to said.txt >out/said 2>out/complained </dev/null; }
emr_until words
says "said.txt: a copy of version 1, 7 bytes. It is yours; the signature stays with the original of $OWNER."
told() { as ana run 0 log Imaging --who lima && grep -q "lima, São Lucas.* opened  *Imaging/MRI.txt v1 (whole)" out/said; }
emr_until told

say "when nobody can give the key, it says who did not answer"
echo "a third knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
third() { comes 0 restore --list "$FILE" && [ "$(versions | wc -l)" = 3 ]; }
emr_until third
two_unmount ana
json 7 restore "$FILE@v3" --to third.txt
expect error "$(field error)" no-release
[ ! -e lima-folder/third.txt ] || emr_fail "half a copy"
two_unmount lima
echo "all is well"
