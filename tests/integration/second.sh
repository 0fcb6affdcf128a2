#!/bin/bash
# second.sh: a person with whom others share has a second computer: records of this person are there; the shares are on the first computer,
# and the second says so.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin second
export TZ=UTC
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
must mkdir ana-folder/Imaging lima-folder/Mine
echo "a knee" >ana-folder/Imaging/MRI.txt
echo "my own" >lima-folder/Mine/note.txt
for who in ana lima; do as $who run 0 status --wait; done
as ana run 0 share Imaging with lima --write --yes --wait
two_unmount lima
as lima run 0 device add laptop -o laptop.device --yes --passphrase-file "$EMR_PASS"
two_home laptop
run 0 device accept laptop.device --passphrase-file "$EMR_PASS"

say "her own records are there"
two_mount lima laptop
own() { [ "$(cat laptop-folder/Mine/note.txt 2>/dev/null)" = "my own" ]; }
emr_until own
expect "the top" "$(ls laptop-folder | paste -sd, -)" "Inbox,Mine"
echo "from the laptop" >laptop-folder/Mine/second.txt
run 0 status --wait
came() { [ "$(cat lima-folder/Mine/second.txt 2>/dev/null)" = "from the laptop" ]; }
emr_until came
json 0 share
expect "it shares nothing" "$(field grants)" "[]"
! grep -q "shares of folders inside shared ones" laptop/state/log || emr_fail "its log complains"

say "what others share is on the first computer, and the second says so"
shares() { compgen -G "lima-folder/shared-with-me/ana/Imaging/MRI.txt" >/dev/null; }
emr_until shares
[ ! -e laptop-folder/shared-with-me ] || emr_fail "shares on the laptop: look at the sentence"
told() { grep -q "shares-elsewhere .*on your first computer only" laptop-folder/.emrfs/notices; }
emr_until told
expect "once" "$(grep -c shares-elsewhere laptop-folder/.emrfs/notices)" 1
run 0 status
! grep -q shares-elsewhere lima-folder/.emrfs/notices || emr_fail "the first computer says so, too"
json 6 share Mine with ana --yes
expect "who shares" "$(field error)" not-first-computer

say "nor does it make copies for research, which would be others than those of the first"
for data in identified de-identified; do
	cat >terms.json <<-END
		{"purpose": "To read notes, $data", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "$data"}
	END
	as hospital run 0 dataset create "$data" --terms terms.json --passphrase-file "$EMR_PASS"
	knows() { "$EMRFS" dataset "$data" >out/known 2>&1 </dev/null; }
	emr_until knows
	json 6 dataset join "$data" Mine --yes
	expect "who joins" "$(field error)" not-first-computer
done
[ ! -e laptop-folder/Research ] || emr_fail "it made copies"
