#!/bin/bash
# rot.sh: bits that flip by themselves in the ledger or in this computer's copy of it.  A backup holds what was verified and
# restores, or says what is missing; two computers that were restored from one backup do not write over each other's.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin rot
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state LEDGER=$EMRFS_HOME/state/ledger/ledger.sqlite OWN=$EMRFS_HOME/state/replica.sqlite
open_folder() { run "${1:-0}" mount --passphrase-file "$EMR_PASS" "$MNT"; }
change() { sqlite3 "$1" "$2" || emr_fail "sqlite3: $2"; }
again() { rm -rf "$STATE" && cp -a base "$STATE"; }
old_entry="UPDATE entries SET entry = substr(entry,1,120) || CASE substr(entry,121,1) WHEN x'aa' THEN x'55' ELSE x'aa' END || substr(entry,122) WHERE seq=(SELECT max(seq)-2 FROM entries)"
# The sealed data of a record's content; other parts are of keys and of the folder's own rows.
a_part="UPDATE parts SET part = substr(part,1,40) || x'aaaa' || substr(part,43) WHERE seq=(SELECT max(seq) FROM parts)"

# restored CODE DIR: the backup there becomes a computer of its own in back/, which is opened and compared with was/.
restored() {
	rm -rf back && mkdir -m 700 back && cp home/settings back/
	(
		export EMRFS_HOME=$EMR_WORK/back
		run "$1" init --restore "$2" --passphrase-file "$EMR_PASS"
	) || exit 1
}
compare() {
	(
		export EMRFS_HOME=$EMR_WORK/back
		run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
		diff -r was "$MNT" >out/differs || { cat out/differs >&2; emr_fail "the folder differs"; }
		run 0 unmount
	) || exit 1
}

emr_init
open_folder
mkdir "$MNT/Letters"
for i in 1 2 3; do
	echo "letter $i" >"$MNT/Letters/$i.txt"
	run 0 status --wait
done
cp -a "$MNT" was
run 0 unmount
cp -a "$STATE" base

say "a bit of an older entry: the backup takes it from the copy, and restores"
again && change "$LEDGER" "$old_entry"
json 0 backup copy1
expect "mended" "$(field mended)" True
expect "records" "$(field records)" 3
json 0 backup copy1 --verify
restored 0 copy1
compare

say "a bit of a record's sealed data: the same"
again && change "$LEDGER" "$a_part"
json 0 backup copy2 --verify
expect "mended" "$(field mended)" True
restored 0 copy2
compare

say "the copy is damaged, the ledger is whole"
again && change "$OWN" "$old_entry"
json 0 backup copy3 --verify
expect "mended" "$(field mended)" False
restored 0 copy3
compare

say "different places in both"
again && change "$LEDGER" "$old_entry" && change "$OWN" "$a_part"
json 0 backup copy4 --verify
restored 0 copy4
compare

say "the same part in both: it is named, not counted, and the exit code says it; the rest is restored"
again && change "$LEDGER" "$a_part" && change "$OWN" "$a_part"
json 3 backup copy5
expect "records" "$(field records)" 2
run 3 backup copy5
says "the sealed data of an item is damaged"
restored 3 copy5
grep -q "cannot be opened" out/said || emr_fail "$(cat out/said)"

say "the same entry in both: nothing is called a backup"
again && change "$LEDGER" "$old_entry" && change "$OWN" "$old_entry"
json 8 backup copy6
[ ! -e copy6/emrfs-backup ] || emr_fail "a list was written"

say "verify finds it, and in an open folder puts it right, in the ledger and in the copy"
again && change "$LEDGER" "$a_part"
run 8 verify --chain --passphrase-file "$EMR_PASS"
# put_right WHAT: in the open folder
put_right() {
	json 8 verify --chain
	expect "$1: mended" "$(field chain.mended)" True
	run 0 verify --chain
	json 0 status
	expect "$1: read only" "$(field read_only)" False
}
for where in ledger copy both; do
	again
	open_folder
	[ $where = copy ] || change "$LEDGER" "$old_entry"
	[ $where = ledger ] || change "$OWN" "$a_part"
	put_right "$where"
	echo "saved after" >"$MNT/after.txt"
	run 0 status --wait
	run 0 unmount
done

say "what is whole in neither: a record is named, and saving goes on; an entry ends saving, and the next step works"
again && change "$LEDGER" "$a_part" && change "$OWN" "$a_part"
open_folder
run 8 verify --chain
echo "saved after" >"$MNT/after.txt"
run 0 status --wait
run 0 unmount
again && run 0 backup before && change "$LEDGER" "$old_entry" && change "$OWN" "$old_entry"
open_folder
run 8 verify --chain
says "init --restore"
json 0 status
expect "read only" "$(field read_only)" True
! echo "not taken" 2>/dev/null >"$MNT/not.txt" || emr_fail "it was saved"
run 0 unmount
restored 0 before
compare

say "two computers from one backup: the second one's backup does not replace the first one's"
again
run 0 backup both
restored 0 both
grep -q "Do not go on with the computer" out/said || emr_fail "not said: $(cat out/said)"
open_folder
echo "of the first" >"$MNT/first.txt"
run 0 status --wait
run 0 unmount
run 0 backup both
(
	export EMRFS_HOME=$EMR_WORK/back
	json 1 backup both
	expect "older: error" "$(field error)" bad-backup
	open_folder
	echo "of the second" >"$MNT/second.txt"
	run 0 status --wait
	echo "more" >"$MNT/more.txt"
	run 0 status --wait
	run 0 unmount
	sum=$(sha256sum both/emrfs-backup)
	json 1 backup both
	expect "error" "$(field error)" bad-backup
	grep -q "does not go on from" out/said || emr_fail "$(cat out/said)"
	expect "the list" "$(sha256sum both/emrfs-backup)" "$sum"
	run 0 backup elsewhere
) || exit 1
run 0 backup both
rm -rf was && mkdir was && open_folder && cp -a "$MNT/." was && run 0 unmount
restored 0 both
compare
