#!/bin/bash
# ledger_told.sh: README.md, SECURITY.md, the tour, the glossary and the question at joining say what a member, or a thief of a disk or a
# backup, reads in a copy of the ledger. Somebody without any key reads just that in copies of a real network, and no more.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/clear.sh"
TOP=$(cd "$SUPPORT/../.." && pwd)
two_begin ledger_told
emr_noon
two_network "São Lucas"
two_join lima "Paula Lima" clinician
two_join dora "Dora Reis" researcher
two_join ana "Silva, Ana" patient
two_join rui "Costa, Rui" patient
two_cards ana lima
two_mount ana lima rui dora
must mkdir ana-folder/Imaging ana-folder/Knees
echo "a finding" >ana-folder/Imaging/MRI.txt
echo "a knee" >ana-folder/Knees/slice.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --until 2031-12-31 --yes --wait
opened() { [ "$(cat lima-folder/shared-with-me/*/Imaging/MRI.txt)" = "a finding" ]; }
emr_until opened
echo '{"purpose": "To count", "who": "Researchers", "until": "2099-12-31", "data": "identified"}' >terms.json
as hospital run 0 dataset create knees --terms terms.json --passphrase-file "$EMR_PASS"
as hospital run 0 dataset admit knees dora@saolucas --passphrase-file "$EMR_PASS"
knows() { as ana "$EMRFS" dataset knees >/dev/null 2>&1 </dev/null; }
emr_until knows

say "the question at joining says who learns of it"
as ana run 13 dataset join knees Knees
says "says that your key, which is on your card, joined, and when."
says "Researchers who have your card, and your hospital, can find out which folder is yours."
as ana run 0 dataset knees
says "hide people from strangers alone: who has somebody's card, as a hospital has, can find out which folder is whose"
as ana run 0 dataset join knees Knees --yes --wait

say "nothing that is read in a dataset names an entry or an object of the ledger"
reads() { [ "$(cat dora-folder/datasets/knees/*/Knees/slice.txt)" = "a knee" ]; }
emr_until reads
FILE=$(echo dora-folder/datasets/knees/*/Knees/slice.txt)
for name in tx id owner-id; do
	! getfattr --only-values -n "user.emrfs.$name" "$FILE" 2>/dev/null || emr_fail "$name of what lies in a dataset"
done
[[ $(getfattr --only-values -n user.emrfs.signed-at "$FILE") == *T00:00:00Z ]] || emr_fail "signed-at: $(getfattr --only-values -n user.emrfs.signed-at "$FILE")"
as dora json 0 status "${FILE#dora-folder/}"
! grep -qE '"(tx|id)": *"[^"]|"entry": *[1-9]' out/said || emr_fail "status names an entry: $(cat out/said)"
PSEUDONYM=${FILE#dora-folder/datasets/knees/}
PSEUDONYM=${PSEUDONYM%%/*}

say "a member's copy, a stolen disk and a backup say what the documents say"
must mkdir stick
as ana run 0 backup "$EMR_WORK/stick/emrfs-backup"
as ana json 0 people card --passphrase-file "$EMR_PASS"
ANA=$(field id)	# it stands on the card that she gave to lima
has_it() { python3 "$SUPPORT/ledger_told.py" rui/state/replica.sqlite ana="$ANA" | grep -q '^ana joined'; }
emr_until has_it
two_unmount ana lima rui dora
until=$(date -d '2031-12-31 23:59:59' +%s)
facts() { # COPY
	python3 "$SUPPORT/ledger_told.py" "$1" ana="$ANA" >out/told || emr_fail "$1 cannot be read: $(cat out/told)"
	for fact in "person lima" "person dora" "person patient-[a-z2-7]*" "ana joined [0-9a-f]*" "ana shared with lima until $until" "lima asked" "dora asked"; do
		grep -qx -- "$fact" out/told || emr_fail "$1 does not say: $fact: $(cat out/told)"
	done
	! grep -vxE "person (org-[a-z2-7]+|patient-[a-z2-7]+|lima|dora)|ana joined [0-9a-f]+|ana shared with lima until $until|(lima|dora) asked" out/told || emr_fail "$1 says more"
}
facts rui/state/replica.sqlite
facts ana/state/replica.sqlite
ledger=$(find stick/emrfs-backup -type f -exec grep -lq "SQLite format 3" {} \; -print | head -1)
[ -n "$ledger" ] || emr_fail "no copy of the ledger in the backup: $(find stick -type f)"
facts "$ledger"
nothing_in_clear "Silva, Ana" "Costa, Rui" 1984-03-12 Imaging MRI.txt slice.txt "a finding" "a knee" "$PSEUDONYM" -- rui/state ana/state stick "$NET"

say "and the documents say it"
documents() { tr '\n' ' ' <"$TOP/$1" | tr -s ' ' | grep -qF -- "$2" || emr_fail "$1 does not say: $2"; }
documents README.md "its copy of the ledger is not encrypted"
documents README.md "which key shared with which, for what purpose and until when, which joined which study and what it was paid, and when each reader asked for keys, to the second"
documents README.md "A patient's key is the one on her card"
documents SECURITY.md "So a member who has somebody's card learns in which studies that person takes part, and a stolen disk names the doctors of its owner."
documents doc/tour.md "every member of the network can find it in its copy of the ledger"
documents doc/glossary.md "Every member's copy of the ledger says which keys joined a dataset"
for sentence in "nobody learns who takes part" "shows no content, names or times" "it never sees a patient's name"; do
	! grep -rqF -- "$sentence" "$TOP/README.md" "$TOP/SECURITY.md" "$TOP/doc" || emr_fail "said although it is not so: $sentence"
done
