#!/bin/bash
# people.sh: two people on one computer exchange cards, compare their number, and keep each other in a sealed list: with the folder open and
# closed, in a backup, and after it.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
HERE=$(cd "$(dirname "$0")" && pwd)
. "$SUPPORT/mount.sh"
. "$SUPPORT/clear.sh"
emr_begin people
cd "$EMR_WORK" || exit 2
EMR_PERSON="Ana Silva" emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
ANA=$EMRFS_HOME JOAO=$EMR_WORK/joao
mkdir -m 700 "$JOAO" && cp "$ANA/settings" "$JOAO/"
joao() { EMRFS_HOME=$JOAO "$@"; }
joao run 0 init --yes --name "João Reis" --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file joao.words
one() { python3 -c 'import json,sys
p = json.load(open("out/said"))["people"]
print(len(p) if len(sys.argv) < 2 else p[0][sys.argv[1]])' "$@"; }

say "cards as file, text and code"
run 0 people card -o ana.card
expect "first line" "$(head -1 ana.card)" "emrfs card v1"
run 1 people card -o ana.card
joao run 0 people card --passphrase-file "$EMR_PASS"
cp out/said joao.card
joao json 0 people card --passphrase-file "$EMR_PASS"
qr=$(field qr)
case $qr in EMRFS:*) ;; *) emr_fail "no text for a code: $qr" ;; esac
run 2 people card ana.card
run 2 people add
run 2 people check
run 2 people --name x
run 2 people -o x

say "what the open folder keeps"
json 0 people
expect "people" "$(one)" 0
json 0 people add joao.card --name joao
expect "change" "$(field change)" added
expect "name" "$(one name)" "João Reis"
expect "of another network" "$(one same_network)" False
expect "registered" "$(one registered)" False
json 0 people add "$qr"
expect "called" "$(one who)" joao
json 0 people
expect "people" "$(one)" 1
run 5 people "João Reis"	# what he says of himself names nobody
says "Near: joao ("
run 5 people $'jo\xd0\xb0o' # a letter of another alphabet
says "joao looks like it, and has another character: U+0430 where there is U+0061."
run 5 people $'joao\xe2\x80\x8b' # one that does not show
says "U+200B where there is -"
run 5 people jane # nothing but its first letter
says_not "Near:"
run 0 people joao
says "not compared"
sed '3s/A/B/' joao.card >changed.card
cmp -s joao.card changed.card && sed '3s/[a-z]/0/' joao.card >changed.card
run 8 people add changed.card
run 8 people add /dev/null
run 5 people add nothing.card
[ "$(stat -c %a "$ANA/state/people")" = 600 ] || emr_fail "the list can be read by others"
nothing_in_clear "o Reis" -- "$ANA/state"

say "the number is the same on both sides"
joao run 0 people add ana.card --passphrase-file "$EMR_PASS"
joao json 0 people check "Ana Silva" --passphrase-file "$EMR_PASS"
number=$(field number)
expect "digits" "${#number}" 71
json 0 people check joao
expect "number" "$(field number)" "$number"
expect "compared" "$(one compared)" False
json 0 people check joao --yes
expect "compared" "$(one compared)" True
python3 "$HERE/people_terminal.py" || emr_fail "on a terminal"
json 0 people joao
expect "after no" "$(one compared)" False
json 0 people check joao --yes

say "in a backup, and back"
run 0 backup "$EMR_WORK/copy"
run 0 unmount
json 0 people --passphrase-file "$EMR_PASS"
expect "closed folder" "$(one who)" joao
export EMRFS_HOME=$EMR_WORK/new
mkdir -m 700 "$EMRFS_HOME" && cp "$ANA/settings" "$EMRFS_HOME/"
run 0 init --restore "$EMR_WORK/copy" --passphrase-file "$EMR_PASS"
json 0 people --passphrase-file "$EMR_PASS"
expect "restored" "$(one who) $(one compared)" "joao True"
echo "all is well"
