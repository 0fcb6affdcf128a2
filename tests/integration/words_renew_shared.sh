#!/bin/bash
# words_renew_shared.sh: Ana shares folders with Dr Lima and a team over a host, or on a channel of Fabric, and first Ana, then Lima, then the
# administrator takes new words. All go on, in folders that stayed open too, and who signed what is told as before: shares, Inbox, team and
# invitations. A host lets the former key in no more.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin words-renew-shared
emr_noon
at_end() { two_end; }
P="--passphrase-file $EMR_PASS"
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
two_home ana
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI
echo "a hip" >ana-folder/Imaging/CT
run 0 status --wait
run 0 share Imaging with lima --write --yes --wait
mkdir ana-folder/Letters
echo "dear colleague" >ana-folder/Letters/letter
run 0 status --wait
team() { as hospital run 0 org team radiology "$@" $P; }
team add lima
hears() { "$EMRFS" log --who radiology@saolucas >out/heard 2>&1 </dev/null; } # her copy of the ledger has it
emr_until hears
run 0 share Letters with radiology@saolucas --yes --wait
HERS=lima-folder/shared-with-me/ana/Imaging
proven() { # FILE...: of Ana's folder; both checkers take its proof, and no second party signed
	for file; do
		rm -f "$file.proof"
		run 0 export "ana-folder/Imaging/$file" "$file.proof" --proof
		json 0 verify --proof "$file.proof" "ana-folder/Imaging/$file"
		run 0 verify --proof "$file.proof" "ana-folder/Imaging/$file"
		"$VERIFY_AUDIT" "$file.proof" "ana-folder/Imaging/$file" >out/audit || emr_fail "verify-audit: $(cat out/audit)"
		cat out/audit
	done
}
has() { # FILE CONTENT
	[ "$(cat "$1")" = "$2" ]
}
writes() { # FILE CONTENT
	printf '%s\n' "$2" >"$1"
}
told() { # WHO PATH WORDS
	as "$1" run 0 status "$2"
	says "$3"
}
emr_until has $HERS/MRI "a knee"
writes $HERS/note "by lima"
as lima run 0 status --wait
emr_until has ana-folder/Imaging/note "by lima"
SEEN=lima-folder/shared-with-me/ana
leaves() { # NAME: in her Inbox
	echo "left as $1" >"$SEEN/Inbox/$1"
	as lima run 0 status --wait
	emr_until has "$(came "$1")" "left as $1"
}
came() { echo "ana-folder/Inbox/São Lucas/$(date +%Y-%m-%d)/$1"; }
leaves before

say "Ana takes new words, while Lima's folder is open"
two_unmount ana
cp -a ana thief
json 0 words renew $P --words-file ana.new
expect "what is left" "$(field folders_left) $(field folders_taken)" "0 0"
two_mount ana
two_home ana
has ana-folder/Imaging/MRI "a knee" || emr_fail "not what was there"
told ana ana-folder/Imaging/MRI "Signed by you"
told ana ana-folder/Imaging/note "Signed by lima"
says_not mismatch
writes ana-folder/Imaging/after "after it"
writes ana-folder/Imaging/MRI "a knee, later"
run 0 status --wait
emr_until has $HERS/after "after it"
emr_until has $HERS/MRI "a knee, later"
writes $HERS/note2 "by lima, later"
as lima run 0 status --wait
emr_until has ana-folder/Imaging/note2 "by lima, later"
told ana ana-folder/Imaging/note2 "Signed by lima"
says valid
told ana "$(came before)" "Signed by lima"
leaves after
told ana "$(came after)" "Signed by lima"
emr_until has $SEEN/Letters/letter "dear colleague"
run 0 verify ana-folder
run 0 verify --chain
proven MRI note after note2 CT
json 0 verify --proof CT.proof ana-folder/Imaging/CT
grep -q ".witnesses.: *\[\]" out/said || emr_fail "another signed the checkpoint: $(cat out/said)"

say "the former key is let in no more"
! EMRFS_HOME=$EMR_WORK/thief timeout "$EMR_PATIENCE" "$EMRFS" words renew $P --words-file thief.words >out/thief 2>&1 || emr_fail "let in"
[ ! -e thief.words ] || emr_fail "words for a key that was followed"
cat out/thief

say "Lima takes new words"
two_unmount lima
as lima json 0 words renew $P --words-file lima.new
two_mount lima
emr_until has $HERS/MRI "a knee, later"
emr_until has $HERS/note "by lima"
emr_until has $HERS/after "after it"
emr_until writes $HERS/note3 "by the new key"
as lima run 0 status --wait
emr_until has ana-folder/Imaging/note3 "by the new key"
told ana ana-folder/Imaging/note3 "Signed by lima"
says valid
two_home ana
proven note note2 note3
writes ana-folder/Imaging/last "to the new key"
run 0 status --wait
emr_until has $HERS/last "to the new key"
told lima $HERS/last "Signed by ana"
says_not mismatch

leaves later
told ana "$(came later)" "Signed by lima"
told ana "$(came before)" "Signed by lima"

say "the administrator takes new words: the team and the invitations are hers as before"
as hospital json 0 words renew $P --words-file hospital.new
expect "what is left" "$(field folders_left) $(field folders_taken)" "0 0"
reads() { has $SEEN/Letters/letter "dear colleague"; }
reads_not() { ! cat $SEEN/Letters/letter >/dev/null 2>&1; }
team remove lima
emr_until reads_not
team add lima
emr_until reads
two_join nuno "Nuno Reis" clinician
team add nuno

say "what Ana takes back is taken from the new key"
run 0 revoke Imaging from lima --yes
run 0 status --wait
gone() { ! cat $HERS/last >/dev/null 2>&1; }
emr_until gone
two_unmount ana lima
