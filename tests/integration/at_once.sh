#!/bin/bash
# at_once.sh: two programs do the same at one moment: a copy of a keyring opens beside it, verbs and an attribute share one folder, two
# computers of one person save.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin at-once
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join eva "Eva Reis" clinician
two_cards ana lima eva
two_mount ana lima
mkdir ana-folder/Imaging
for i in 1 2 3; do echo "finding number $i" >"ana-folder/Imaging/$i.txt"; done
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
there() { [ -e "$1" ]; }
reads() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
hers() { ls -d "$1"-folder/shared-with-me/ana/Imaging 2>/dev/null; }	# what WHO sees of it
sees() { [ -n "$(hers "$1")" ]; }
emr_until sees lima
SHARE=$(hers lima)
emr_until reads "$SHARE/1.txt" "finding number 1"
two_unmount ana lima

say "a copy of her keyring in another place does not write in her files while she does"
cp -a ana copy
two_mount ana
mkdir copy-folder
EMRFS_HOME=$EMR_WORK/copy "$EMRFS" mount --passphrase-file "$EMR_PASS" "$EMR_WORK/copy-folder" >out/copy 2>&1 && emr_fail "a copy writes beside her"
grep -q "busy" out/copy || emr_fail "$(cat out/copy)"
rm -rf copy copy-folder

say "two at one moment: the same folder, the same person and another, from verbs and attributes"
as ana run 0 revoke --yes --all from lima --wait
pids=
for who in lima eva lima eva; do
	(EMRFS_HOME=$EMR_WORK/ana "$EMRFS" share Imaging with $who --yes --wait >"out/at-once-$who-$RANDOM" 2>&1) &
	pids="$pids $!"
done
setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-01-01" ana-folder/Imaging)" ana-folder/Imaging || emr_fail "attribute"
for pid in $pids; do wait "$pid" || emr_fail "one of those at once: $(cat out/at-once-*)"; done
rows() { python3 -c 'import json; [print(g["path"], g["who"], g["state"]) for g in json.load(open("out/said"))["grants"]]' | sort -u; }
each_has_it() { as ana json 0 share && [ "$(rows)" = "Imaging eva confirmed
Imaging lima confirmed" ]; }	# nobody waited for what the attribute asked for
emr_until each_has_it
as ana run 0 revoke --yes --all from lima --wait
as ana json 0 share
expect "and is taken back from one, whoever gave it how often" "$(rows)" "Imaging eva confirmed"
two_mount lima eva
emr_until sees eva
emr_until reads "$(hers eva)/1.txt" "finding number 1"
nothing_left() { [ ! -e "$SHARE" ]; }
emr_until nothing_left

say "a second computer of hers writes in the shared folder; sharing is for the first"
as ana run 0 device add laptop -o laptop.device --yes --passphrase-file "$EMR_PASS"
two_home laptop
run 0 device accept laptop.device --passphrase-file "$EMR_PASS"
two_mount laptop
emr_until reads laptop-folder/Imaging/1.txt "finding number 1"
as laptop run 0 people add lima.card --name lima --passphrase-file "$EMR_PASS"
as laptop json 6 share Imaging with lima --yes
expect "who may" "$(field error)" not-first-computer
as laptop json 6 revoke Imaging from eva
expect "who may" "$(field error)" not-first-computer
! setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-01-01" laptop-folder/Imaging)" laptop-folder/Imaging 2>out/refused || emr_fail "shared from the laptop"
as ana run 0 share Imaging with lima --yes --wait
emr_until reads "$SHARE/1.txt" "finding number 1"
echo "from the laptop" >laptop-folder/Imaging/new.txt
as laptop run 0 status --wait
emr_until reads "$SHARE/new.txt" "from the laptop"
as ana run 0 revoke --yes --all from lima --wait
emr_until nothing_left
as ana json 0 share
expect "eva keeps it" "$(rows)" "Imaging eva confirmed"
echo "all is well"
