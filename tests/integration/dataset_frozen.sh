#!/bin/bash
# dataset_frozen.sh: a frozen state of three participants has the sums of all its versions. A folder that was taken back is out, also
# after a return, and an erased picture, too.
. "${SUPPORT:=$(dirname "$0")/../support}/copies.sh"
copies_begin frozen
for who in rui eva; do
	two_join "$who" "Costa, $who" patient
	two_mount "$who"
done
PEOPLE="ana rui eva"
for who in $PEOPLE; do
	slices "$who-folder/CT" 1 2
	as "$who" run 0 status --wait
	there() { as "$who" "$EMRFS" dataset plain >out/known 2>&1 </dev/null; }
	emr_until there
done

say "the question says what the own organisation's agent may do, and the word is one of three"
as ana run 13 dataset join plain CT --away own
says "While your folder is closed, the agent of your own organisation may give its keys to these readers, too"
as ana run 13 dataset join plain CT
says_not "the agent of your own organisation may give"
as ana run 2 dataset join plain CT --away anybody
says "--away is for join, and takes others, own or nobody."
as ana run 2 dataset update --away own
for who in $PEOPLE; do as "$who" run 0 dataset join plain CT --away own --yes --wait; done
six() { [ "$(seen | wc -w)" = 6 ]; }
emr_until six
steward 0 freeze plain
STATE=$(grep -oE 'plain@[0-9a-f]{8}' out/said | head -1)
two_unmount dora

frozen() { as dora json 0 mount --dataset "$STATE" --passphrase-file "$EMR_PASS" "$EMR_WORK/dora-folder"; }
sums() { # OK of so many
	(cd dora-folder && sha256sum -c MANIFEST.sha256) >out/sums 2>out/wrong
	[ "$(grep -c ': OK$' out/sums)" = "$(($1 + 1))" ] && ! grep -qv ': OK$' out/sums
}

say "the list has each copy, and sha256sum finds all of them as they were"
frozen
emr_until sums 6
grep -q "^# root .*: 6 of 6 versions; folders taken back: 0" dora-folder/MANIFEST.sha256 || emr_fail "$(cat dora-folder/MANIFEST.sha256)"
file=$(find dora-folder -name '*.dcm' | head -1)
grep -B1 -F "${file#dora-folder/}" dora-folder/MANIFEST.sha256 | grep -q "^# $(stat -c %s "$file") bytes:" || emr_fail "no size: $(cat dora-folder/MANIFEST.sha256)"
two_unmount dora

say "who leaves and comes back has left, for the paper that counts it"
as eva run 0 dataset leave plain --yes --wait
frozen
emr_until sums 4
grep -q "^# versions that are not there: left 2, erased 0, dropped 0" dora-folder/MANIFEST.sha256 || emr_fail "$(cat dora-folder/MANIFEST.sha256)"
two_unmount dora
as eva run 0 dataset join plain CT --yes --wait
frozen
emr_until sums 4
grep -q "Incomplete: 4 of 6 versions are there, of 2 participants; folders taken back: 1." dora-folder/CITATION.cff || emr_fail "$(cat dora-folder/CITATION.cff)"
grep -q "^# versions that are not there: left 2, erased 0, dropped 0" dora-folder/MANIFEST.sha256 || emr_fail "$(cat dora-folder/MANIFEST.sha256)"
two_unmount dora

say "an erased picture is in no state"
as rui run 0 erase CT/anabela-01.dcm --yes --passphrase-file "$EMR_PASS"
as rui run 0 status --wait
frozen
emr_until sums 3
grep -q "^# versions that are not there: left 2, erased 1, dropped 0" dora-folder/MANIFEST.sha256 || emr_fail "$(cat dora-folder/MANIFEST.sha256)"
two_unmount dora
two_unmount $PEOPLE
echo "all is well"
