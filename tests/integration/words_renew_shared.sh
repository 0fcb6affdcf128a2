#!/bin/bash
# words_renew_shared.sh: Ana shares a folder with Dr Lima over a host, and first Ana and then Lima takes new words. Both go on reading and
# writing, in folders that stayed open too, and who signed what is told as before; a host lets the former key in no more.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin words-renew-shared
at_end() { two_end; }
P="--passphrase-file $EMR_PASS"
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
two_home ana
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI
run 0 status --wait
run 0 share Imaging with lima --write --yes --wait
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
run 0 verify ana-folder
run 0 verify --chain
proven MRI note after note2

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

say "what Ana takes back is taken from the new key"
run 0 revoke Imaging from lima --yes
run 0 status --wait
gone() { ! cat $HERS/last >/dev/null 2>&1; }
emr_until gone
two_unmount ana lima
