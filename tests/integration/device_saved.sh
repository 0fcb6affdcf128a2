#!/bin/bash
# device_saved.sh: a computer of Ana's was stolen, and the thief saves in folders that Ana's doctor reads. When Ana removes that computer,
# emrfs shows what it saved there, asks, and takes it out: all of it, or what came after the theft. Ana can get it back.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
HERE=$(cd "$(dirname "$0")" && pwd)
. "$SUPPORT/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin device_saved
emr_portuguese
export TZ=UTC
P="--passphrase-file $EMR_PASS"
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
as ana run 0 device add laptop -o laptop.device --yes $P
as laptop run 0 device accept laptop.device $P
two_mount ana
mkdir ana-folder/Imaging ana-folder/Letters ana-folder/Bills || exit 2
echo "a knee" >ana-folder/Imaging/MRI.txt
echo "before she shared" >ana-folder/Letters/old.txt
as ana run 0 status --wait
two_mount laptop lima

# terminal ANSWER ARGUMENTS...: emrfs at a terminal, where ANSWER is typed at its question; what it showed is in out/said
terminal() {
	python3 "$HERE/device_terminal.py" "$@" >out/said 2>out/complained </dev/null || emr_fail "$(cat out/said out/complained)"
}
# saved: of --json, what was found, a line each
saved() { python3 -c 'import json
for s in json.load(open("out/said"))["saved"]: print(s["path"], s["new"], s["taken_back"])'; }
shared() { ls -d lima-folder/shared-with-me/*/"$1"; }
# is PATH CONTENT: for the doctor; lacks PATH: no more
is() { [ "$(cat lima-folder/shared-with-me/*/"$1" 2>/dev/null)" = "$2" ]; }
lacks() { shared Imaging >/dev/null && [ -z "$(shared "$1" 2>/dev/null)" ]; }
there() { [ "$(cat "ana-folder/$1" 2>/dev/null)" = "$2" ]; }

say "her own computer saves where her doctor reads, before it is stolen and after"
emr_until test -e laptop-folder/Letters/old.txt
echo "changed before she shared" >laptop-folder/Letters/old.txt
emr_until there Letters/old.txt "changed before she shared"
for folder in Imaging Letters; do as ana run 0 share $folder with lima --yes --wait; done
emr_until is Imaging/MRI.txt "a knee"
echo "by Ana, on her laptop" >laptop-folder/Imaging/honest.txt
as laptop run 0 status --wait
emr_until is Imaging/honest.txt "by Ana, on her laptop"
HONEST=$(date +%s)
later() { [ "$(date +%s)" -gt "$HONEST" ]; }
emr_until later
STOLEN=$(date -u +%Y-%m-%dT%H:%M:%S)
mkdir laptop-folder/Imaging/Results || exit 2
echo "a tumour" >laptop-folder/Imaging/Results/forged.txt
echo "no knee" >laptop-folder/Imaging/MRI.txt
echo "no plan" >laptop-folder/Imaging/plan.txt
echo "where nobody else reads" >laptop-folder/Bills/bill.txt
as laptop run 0 status --wait
emr_until is Imaging/Results/forged.txt "a tumour"
emr_until is Imaging/MRI.txt "no knee"
emr_until there Imaging/plan.txt "no plan"
echo "by Ana, over it" >ana-folder/Imaging/plan.txt
echo "by Ana, at home" >ana-folder/Imaging/home.txt
as ana run 0 status --wait
emr_until is Imaging/home.txt "by Ana, at home"
emr_until is Imaging/plan.txt "by Ana, over it"

say "without a terminal it is listed, and stays"
two_home ana
run 0 device remove laptop $P
says "Imaging/honest.txt, put there "
says "Imaging/MRI.txt, changed there "
says "Imaging/Results/forged.txt, put there "
says "Imaging/plan.txt, saved by somebody else since: it stays"
says "They stay where they are. To take out what it saved since it was lost: emrfs device remove --yes --since TIME laptop"
says_not home.txt
says_not bill.txt
says_not old.txt
json 0 device remove laptop $P
expect "saved" "$(saved)" "Imaging/MRI.txt False False
Imaging/Results True False
Imaging/honest.txt True False
Imaging/plan.txt False False
Imaging/Results/forged.txt True False"
json 0 device remove laptop --yes $P
expect "without the time of the theft" "$(saved | grep -c ' False$')" 5
json 0 device remove laptop --since "$STOLEN" $P
expect "without a yes" "$(saved)" "Imaging/MRI.txt False False
Imaging/Results True False
Imaging/plan.txt False False
Imaging/Results/forged.txt True False"
run 2 device remove laptop --yes --since "before Easter" $P

say "at a terminal she is asked; a no changes nothing"
terminal no device remove laptop $P
says "These were saved by it in folders that you share."
says "Should they be taken out of there, to .emrfs/deleted (yes, no)?"
says "They stay where they are."
LC_ALL=pt_PT.UTF-8 terminal não device remove laptop $P
says "Imaging/honest.txt, lá posto "
says_not "Should"
says_not "They stay"
run 0 status --wait
for one in "Imaging/MRI.txt=no knee" "Imaging/honest.txt=by Ana, on her laptop" "Imaging/Results/forged.txt=a tumour" "Imaging/home.txt=by Ana, at home" "Imaging/plan.txt=by Ana, over it"; do
	is "${one%%=*}" "${one#*=}" || emr_fail "the doctor has no more ${one%%=*}"
	there "${one%%=*}" "${one#*=}" || emr_fail "Ana has no more ${one%%=*}"
done
expect "deleted" "$(ls ana-folder/.emrfs/deleted)" ""

say "a yes beforehand, with the time of the theft: what came after it is gone for the doctor, and nothing else is"
json 0 device remove laptop --yes --since "$STOLEN" $P
expect "ended" "$(saved)" "Imaging/MRI.txt False True
Imaging/Results True True
Imaging/plan.txt False False
Imaging/Results/forged.txt True True"
emr_until lacks Imaging/Results
emr_until lacks Imaging/MRI.txt
is Imaging/honest.txt "by Ana, on her laptop" || emr_fail "what she saved herself is gone"
is Imaging/home.txt "by Ana, at home" || emr_fail "what she saved at home is gone"
is Imaging/plan.txt "by Ana, over it" || emr_fail "what she saved over it is gone"
gone() { [ ! -e "ana-folder/$1" ]; }
emr_until gone Imaging/Results
emr_until gone Imaging/MRI.txt
there Letters/old.txt "changed before she shared" || emr_fail "what was there before she shared is gone"
there Bills/bill.txt "where nobody else reads" || emr_fail "what nobody else reads is gone"

say "a yes to the question: the rest is gone, too"
LC_ALL=pt_PT.UTF-8 terminal sim device remove laptop $P
says_not "to .emrfs/deleted"
emr_until lacks Imaging/honest.txt
emr_until gone Imaging/honest.txt
is Imaging/home.txt "by Ana, at home" || emr_fail "what she saved at home is gone"
json 0 device remove laptop --yes --since "$STOLEN" $P
expect "nothing of it is left" "$(saved)" "Imaging/plan.txt False False"
run 0 device remove laptop $P
says "Imaging/plan.txt, saved by somebody else since: it stays"
says_not "They stay where they are"

say "it lies where she gets it back from"
find ana-folder/.emrfs/deleted | sort >out/deleted
for one in MRI honest forged; do
	grep -q "$one" out/deleted || emr_fail "not in .emrfs/deleted: $one: $(cat out/deleted)"
done
run 0 restore Imaging/honest.txt
emr_until there Imaging/honest.txt "by Ana, on her laptop"
run 0 status --wait
emr_until is Imaging/honest.txt "by Ana, on her laptop"
run 0 restore Imaging/MRI.txt@v1
emr_until there Imaging/MRI.txt "a knee"
run 0 status --wait
emr_until is Imaging/MRI.txt "a knee"
json 0 verify
expect "bad" "$(field bad)" "[]"
two_unmount ana lima
echo "all is well"
