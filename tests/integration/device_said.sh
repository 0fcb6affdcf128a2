#!/bin/bash
# device_said.sh: a computer of Ana's was stolen, and the thief saves in folders that Ana's doctor reads. When Ana removes that computer,
# emrfs lists all that its key signed, or what came after the theft. It changes nothing: Ana takes back what is wrong, by the commands that are named.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin device_said
emr_portuguese
export TZ=UTC
P="--passphrase-file $EMR_PASS"
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
as ana run 0 device add laptop -o laptop.device --yes $P
as laptop run 0 device accept laptop.device $P
two_mount ana
mkdir ana-folder/Imaging ana-folder/Bills || exit 2
echo "a knee" >ana-folder/Imaging/MRI.txt && echo "her blood" >ana-folder/Imaging/blood.txt
as ana run 0 status --wait
two_mount laptop lima

# signed: of --json, what is listed, a line each
signed() { python3 -c 'import json
for s in json.load(open("out/said"))["deeds"]: print(s["path"], s["kind"], s["shared"], s["changed_since"])'; }
# is PATH CONTENT: for the doctor
is() { [ "$(cat lima-folder/shared-with-me/*/"$1" 2>/dev/null)" = "$2" ]; }
there() { [ "$(cat "ana-folder/$1" 2>/dev/null)" = "$2" ]; }
gone() { [ ! -e "ana-folder/$1" ]; }

say "the computer saves where her doctor reads, before it is stolen and after"
as ana run 0 share Imaging with lima --yes --wait
emr_until is Imaging/MRI.txt "a knee"
emr_until test -e laptop-folder/Imaging/blood.txt
echo "by Ana, on her laptop" >laptop-folder/Imaging/honest.txt
as laptop run 0 status --wait
emr_until is Imaging/honest.txt "by Ana, on her laptop"
HONEST=$(date +%s)
later() { [ "$(date +%s)" -gt "$HONEST" ]; }
emr_until later
STOLEN=$(date -u +%Y-%m-%dT%H:%M:%S)
mkdir laptop-folder/Imaging/Results || exit 2
echo "a tumour" >laptop-folder/Imaging/Results/forged.txt && echo "no knee" >laptop-folder/Imaging/MRI.txt
echo "no plan" >laptop-folder/Imaging/plan.txt && rm laptop-folder/Imaging/blood.txt
echo "where nobody else reads" >laptop-folder/Bills/bill.txt
as laptop run 0 status --wait
emr_until is Imaging/Results/forged.txt "a tumour"
emr_until is Imaging/MRI.txt "no knee"
emr_until there Imaging/plan.txt "no plan"
emr_until gone Imaging/blood.txt
echo "by Ana, over it" >ana-folder/Imaging/plan.txt && echo "by Ana, at home" >ana-folder/Imaging/home.txt
as ana run 0 status --wait
emr_until is Imaging/home.txt "by Ana, at home"

say "the removal lists it, what others see first, and changes nothing"
two_home ana
run 0 device remove laptop $P
says "In folders that you share its key signed:"
says "Imaging/honest.txt, put there "
says "Imaging/MRI.txt, changed "
says "Imaging/blood.txt, removed "
says "Imaging/plan.txt, last saved or moved by it "
says "Where only you see it its key signed:"
says "Bills/bill.txt, put there "
says "emrfs restore --list PATH"
says_not home.txt
json 0 device remove laptop --since "$STOLEN" $P
expect "since the theft" "$(signed)" "Imaging/MRI.txt changed True False
Imaging/Results new True False
Imaging/Results/forged.txt new True False
Imaging/blood.txt removed True False
Imaging/plan.txt new True True
Bills/bill.txt new False False"
run 2 device remove laptop --since "before Easter" $P
LC_ALL=pt_PT.UTF-8 run 0 device remove laptop $P
says "Imaging/honest.txt, lá posto "
run 0 status --wait
for one in "Imaging/MRI.txt=no knee" "Imaging/honest.txt=by Ana, on her laptop" "Imaging/Results/forged.txt=a tumour" "Imaging/plan.txt=by Ana, over it"; do
	is "${one%%=*}" "${one#*=}" || emr_fail "the doctor has no more ${one%%=*}"
	there "${one%%=*}" "${one#*=}" || emr_fail "Ana has no more ${one%%=*}"
done

say "Ana takes it back by what was named: an earlier version, also of what was removed, and what does not belong there"
run 0 restore Imaging/MRI.txt@v1
run 0 restore Imaging/blood.txt
rm -r ana-folder/Imaging/Results || exit 2
run 0 status --wait
emr_until is Imaging/MRI.txt "a knee"
emr_until is Imaging/blood.txt "her blood"
gone_there() { ls -d lima-folder/shared-with-me/*/Imaging >/dev/null && ! ls -d lima-folder/shared-with-me/*/Imaging/Results 2>/dev/null; }
emr_until gone_there
json 0 verify
expect "bad" "$(field bad)" "[]"
two_unmount ana lima
echo "all is well"
