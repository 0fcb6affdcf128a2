#!/bin/bash
# backup_blocks.sh: this computer has lost blocks, or they rotted. A backup says which file is not in it, again each time, ends
# with 3, and keeps what an earlier one had.  All files that it does not complain about can be restored.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin backup_blocks
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state
again() { rm -rf "$STATE" && cp -a base "$STATE"; }
segment() { ls "$STATE"/blocks/seg-*.car; }
# restored CODE DIR: the backup there becomes a computer of its own in back/.
restored() {
	rm -rf back && mkdir -m 700 back && cp home/settings back/
	EMRFS_HOME=$EMR_WORK/back run "$1" init --restore "$2" --passphrase-file "$EMR_PASS"
}
restored_mount() { EMRFS_HOME=$EMR_WORK/back run 0 mount --passphrase-file "$EMR_PASS" "$MNT"; }
restored_unmount() { EMRFS_HOME=$EMR_WORK/back run 0 unmount; }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir "$MNT/Letters"
echo "a letter" >"$MNT/Letters/letter.txt"
run 0 status --wait
head -c 300000 /dev/urandom >"$MNT/scan.dcm"
run 0 status --wait
cp -a "$MNT" was
run 0 unmount
expect "segments" "$(segment | wc -l)" 1
cp -a "$STATE" base
json 0 backup before
expect "missing" "$(field missing)" 0

for what in leaf node; do
	say "a $what of a file flips: the file is named, each time, and the rest restores"
	again && must "$SUPPORT/flip.py" "$(segment)" $what 1
	for ((i = 0; i < 2; i++)); do
		json 3 backup "copy-$what"
		expect "$what: missing" "$(field missing)" 1
		expect "$what: error" "$(field error)" missing-data
		[ "$(field bad)" != "[]" ] || emr_fail "nothing named"
	done
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	run 3 backup "copy-$what"
	says "$MNT/scan.dcm: blocks of it are missing or damaged"
	says_not "letter.txt"
	run 0 unmount
	restored 3 "copy-$what"
	restored_mount
	must cmp was/Letters/letter.txt "$MNT/Letters/letter.txt"
	! cat "$MNT/scan.dcm" >out/scan 2>/dev/null || emr_fail "wrong bytes were shown"
	restored_unmount
	say "a backup from before has it still, and it is not taken out of it"
	json 0 backup before
	restored 0 before
	restored_mount
	must diff -r was "$MNT"
	restored_unmount
	say "nor when that file of blocks has grown since"
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	echo "saved after" >"$MNT/after.txt"
	run 0 status --wait
	run 0 unmount
	json 3 backup before
	expect "$what, grown: missing" "$(field missing)" 0
	says "keeps what it had of them"
	json 0 backup before --verify
	restored 0 before
	restored_mount
	must cmp was/scan.dcm "$MNT/scan.dcm"
	expect "what was saved after" "$(cat "$MNT/after.txt")" "saved after"
	restored_unmount
	rm -rf before && again && run 0 backup before
done

say "stopped after a block was put back: the next backup is whole, too"
again && must "$SUPPORT/flip.py" "$(segment)" leaf 1
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
head -c 72000000 /dev/urandom >"$MNT/long.dcm" # more than is copied without a note for the next run
run 0 status --wait
must cp "$MNT/long.dcm" long.dcm
run 0 unmount
must rm before/emrfs-data/whole && must mkdir before/emrfs-data/whole # written after the blocks are put back
run 1 backup before
must rmdir before/emrfs-data/whole
json 3 backup before
expect "missing" "$(field missing)" 0
restored 0 before
restored_mount
must cmp was/scan.dcm "$MNT/scan.dcm"
must cmp long.dcm "$MNT/long.dcm"
restored_unmount
rm -rf before long.dcm && again && run 0 backup before

say "the file of blocks is gone: what the backup had of it stays, and it is said"
again && rm "$(segment)"
json 3 backup before
expect "missing" "$(field missing)" 0
expect "error" "$(field error)" missing-data
restored 0 before
restored_mount
must diff -r was "$MNT"
restored_unmount
say "verify names the newest backup that is there, and none that is not"
again && run 0 backup before && rm "$(segment)"
json 8 verify --passphrase-file "$EMR_PASS"
expect "the backup that verify names" "$(field backup.dir)" "$EMR_WORK/before"
run 8 verify --passphrase-file "$EMR_PASS"
says "in $EMR_WORK/before may have what is lost here, and nothing that was saved since."
mv before elsewhere
run 8 verify --passphrase-file "$EMR_PASS"
says_not "may have what is lost here"
mv elsewhere before
say "a new backup cannot have it, and says so of every file"
json 3 backup fresh
expect "missing" "$(field missing)" 2

say "rot in what a backup has whole, of no record's block: the next one, which copies that anew, says so"
again
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 0 backup grows
must "$SUPPORT/flip.py" "$(segment)" frame 1
echo "saved after" >"$MNT/after.txt"
run 0 status --wait
run 3 backup grows
says "blocks in it are damaged; they were copied as they are"
run 0 unmount
echo "all is well"
