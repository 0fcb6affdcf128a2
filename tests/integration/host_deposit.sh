#!/bin/bash
# host_deposit.sh: what others leave in a patient's folder comes to her disk by itself, also after a long absence and a crash. Until then
# her status says where it is. When the host has lost all of it she reads it, and gives it to the host again.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin host-deposit
SOME=${EMR_SOME:-120}
two_network "São Lucas" hospital
two_ana_and_lima
two_mount ana lima
inbox() { ls -d lima-folder/shared-with-me/ana*/Inbox >/dev/null 2>&1; }
emr_until inbox
INBOX=$(ls -d lima-folder/shared-with-me/ana*/Inbox)
status_of() { as ana json 0 status; }
is_home() { status_of && [ "$(field coming)" = 0 ] && [ "$(field not_whole)" = 0 ] && [ "$(field versions)" -ge "$1" ]; }
# Her status advises nothing, whatever it says of where things are.
calm() { ! grep -qE "move .* away|init --restore" <(as ana run 0 status; cat "$EMR_WORK/out/said") || emr_fail "status: $(cat "$EMR_WORK/out/said")"; }
names() { ls ana-folder/Inbox/*/* 2>/dev/null | wc -l; }
came() { [ "$(names)" = "$1" ]; }
held() { as ana json 0 status && "$JSON_FIELD" "$EMR_WORK/out/said" places.0.copies places.0.of | { read -r a; read -r b; [ "$a" = "$b" ] && [ "$a" -ge "$1" ]; }; }

say "with her folder open, and read by nobody"
mkdir letters
head -c 900000 /dev/urandom >letters/scan.dcm
echo "malignant: call us today" >letters/r6.txt
must cp letters/* "$INBOX/"
as lima run 0 status --wait
emr_until came 2
calm
emr_until is_home 2
calm

say "what a writer saves in a folder of hers comes, too"
mkdir ana-folder/Plan && echo "one" >ana-folder/Plan/plan.txt
as ana run 0 status --wait
as ana run 0 share Plan with lima --write --yes --wait
PLAN=$(echo lima-folder/shared-with-me/ana*)/Plan
reads() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
emr_until reads "$PLAN/plan.txt" one
head -c 500000 /dev/urandom >letters-plan.bin
must cp letters-plan.bin "$PLAN/therapy.bin"
as lima run 0 status --wait
emr_until test -e ana-folder/Plan/therapy.bin
emr_until is_home 4

say "after a long absence, and a crash while it comes"
two_unmount ana
for ((i = 0; i < SOME; i++)); do head -c 3000 /dev/urandom >"letters/n$i.bin"; done
must cp letters/n*.bin "$INBOX/"
as lima run 0 status --wait=5min
two_mount ana
emr_until came $((SOME + 2))
calm
two_kill ana
two_mount ana
emr_until is_home $((SOME + 4))
calm

say "the host loses all of it, and she has it, and gives it back"
two_unmount lima
as ana run 0 status --wait
two_host_kill
rm -rf "$NET/blocks"
for f in letters/*; do cmp "$f" ana-folder/Inbox/*/*/"$(basename "$f")" || emr_fail "$f is lost"; done
cmp letters-plan.bin ana-folder/Plan/therapy.bin || emr_fail "what the writer saved is lost"
echo "all is well"
