#!/bin/bash
# backup.sh: a second copy is incremental, is made while the folder is open, is refused where it does not belong, and is checked to the last
# byte.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/backup_copy.sh"
emr_begin backup
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state
COPY=$EMR_WORK/copy

# A computer that has no keyring can only check.
mkdir -m 700 nobody
check_only() { EMRFS_HOME=$EMR_WORK/nobody timeout "$EMR_PATIENCE" "$EMRFS" backup "$COPY" --verify >out/checked 2>&1; }

say "where it is refused"
run 10 backup "$COPY"
emr_init
run 2 backup
json 2 backup "$STATE/blocks"
expect "error id" "$(field error)" bad-backup
ln -s "$STATE" disguised
json 2 backup disguised/copy
json 1 backup nowhere/copy
expect "error id" "$(field error)" bad-backup
json 1 backup "$EMR_PASS"
[ ! -e nowhere ] || emr_fail "a missing disk was made"
json 10 status
expect "second copy" "$(field second_copy)" False

say "closed, and nothing in it yet"
json 0 backup "$COPY"
expect "records" "$(field records)" 0
check_only || emr_fail "$(cat out/checked)"
compare_copy

say "open"
run 10 status
says "No second copy"	# the copy is on the same disk
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
says_not "No second copy"	# nothing has changed since it was said
json 2 backup "$MNT/copy"
must mkdir "$MNT/Imaging"
head -c 3000000 /dev/urandom >"$MNT/Imaging/scan.dcm"
echo "a letter" >"$MNT/letter.txt"
run 0 status --wait
json 0 backup "$COPY" --verify
expect "records" "$(field records)" 2
[ "$(field new_bytes)" -ge 3000000 ] || emr_fail "not copied: $(cat out/said)"
compare_copy
json 0 status
expect "second copy on the same disk" "$(field second_copy)" False
expect "where" "$(field backup_dir)" None
expect "on the same disk" "$(field backups.0.same_disk)" True
run 0 status
says "On the same disk, so no second copy: "
says "No second copy"
run 0 backup "$COPY"
says "on the disk that has your records"
says_not "A second copy is in"
other_disk
run 0 backup "$EMR_OTHER_DISK/copy"
says "A second copy is in $EMR_OTHER_DISK/copy"
json 0 status
expect "second copy" "$(field second_copy)" True
expect "where" "$(field backup_dir)" "$EMR_OTHER_DISK/copy"
json 0 backup "$COPY"
expect "same disk" "$(field same_disk)" True
run 0 status	# the newer one on the same disk does not stand for it
says "Second copy: "
says "in $EMR_OTHER_DISK/copy"
says "On the same disk, so no second copy: "
says_not "No second copy"
rm -rf "$EMR_OTHER_DISK/copy"

say "only what is new"
json 0 backup "$COPY"
[ "$(field new_bytes)" -lt 200000 ] || emr_fail "copied again: $(cat out/said)"
json 0 backup "$COPY"
[ "$(field new_bytes)" -lt 1000 ] || emr_fail "copied again: $(cat out/said)"
head -c 200000 /dev/urandom >"$MNT/Imaging/second.dcm"
run 0 status --wait
json 0 backup "$COPY"
new=$(field new_bytes)
{ [ "$new" -ge 200000 ] && [ "$new" -lt 1000000 ]; } || emr_fail "new bytes: $new"
expect "left over" "$(find "$COPY" -name '.tmp-*' -o -name partial)" ""
expect "files and lines" "$(find "$COPY/emrfs-data" -type f ! -name lock ! -name whole ! -name list | wc -l)" "$(grep -c '^file ' "$COPY/emrfs-backup")"

say "one at a time, and one network"
exec 7>"$COPY/emrfs-data/lock"
flock 7
json 11 backup "$COPY"
expect "error id" "$(field error)" in-use
exec 7>&-
mkdir -m 700 other-home
printf 'kdf = 8,1\n' >other-home/settings
EMRFS_HOME=$EMR_WORK/other-home run 0 init --yes --passphrase-file "$EMR_PASS" --words-file other-words
EMRFS_HOME=$EMR_WORK/other-home json 1 backup "$COPY"
expect "error id" "$(field error)" bad-backup
says "other records"
check_only || emr_fail "$(cat out/checked)"
if [ "$(id -u)" = 0 ]; then
	mkdir small && mount -t tmpfs -o size=2m none small
	json 1 backup small/copy
	expect "error id" "$(field error)" disk-full
	expect "what a refused backup leaves" "$(find small -name 'seg-*' -o -name emrfs-backup)" ""
	umount small
fi

say "while something is being saved"
(for ((i = 0; i < 200; i++)); do
	head -c 40000 /dev/urandom >"$MNT/Imaging/file-$((i % 40))" && sleep 0.01
done) &
writer=$!
for ((i = 0; i < 6; i++)); do
	run 0 backup "$COPY"
	check_only || emr_fail "$(cat out/checked)"
done
wait "$writer"
exec 6>"$MNT/still-open.bin"
for ((i = 0; i < 40; i++)); do
	dd if=/dev/urandom of="$MNT/still-open.bin" bs=5000 count=1 seek=$((i * 37 % 40 * 11)) conv=notrunc,fsync status=none
done
run 0 backup "$COPY" --verify
grep -q ' spill/' "$COPY/emrfs-backup" || emr_fail "the working copy is not in it"
exec 6>&-

run 0 unmount

say "a state that has lost the end of its blocks: the backup keeps them, and says so"
run 0 backup "$COPY"
segment=$(ls "$STATE"/blocks/seg-*.car | tail -1)
python3 - "$STATE" "$segment" <<'END'
import os, sys
path = sys.argv[2]
os.truncate(path, 96)
END
json 3 backup "$COPY"
expect "error id" "$(field error)" missing-data
expect "missing" "$(field missing)" 0
check_only || emr_fail "$(cat out/checked)"
rm "$STATE"/blocks/index.sqlite*

say "damage in the backup is found"
rm -rf "$COPY" "$EMRFS_HOME" nobody
mkdir -m 700 "$EMRFS_HOME" nobody
rm -f words
emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
head -c 3000000 /dev/urandom >"$MNT/scan.dcm"
run 0 status --wait
run 0 backup "$COPY"
flip() {
	python3 - "$1" <<'END'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[2 * len(data) // 3] ^= 1
open(sys.argv[1], 'wb').write(data)
END
}
for file in "$COPY"/emrfs-data/seg-* "$COPY"/emrfs-data/ledger.sqlite.* "$COPY"/emrfs-data/keyfile.*; do
	flip "$file"
	if check_only; then emr_fail "not found: a flipped bit in $file"; fi
	grep -q "is not what" out/checked || emr_fail "not named: $(cat out/checked)"
	json 0 backup "$COPY" --verify	# and written again
	check_only || emr_fail "$(cat out/checked)"
done
cp "$COPY/emrfs-backup" good
flip "$COPY/emrfs-backup"
json 0 backup "$COPY"			# the list is there twice
must grep -q '^sum ' "$COPY/emrfs-backup"
flip "$COPY/emrfs-backup"
flip "$COPY/emrfs-data/list"
json 8 backup "$COPY"
expect "error id" "$(field error)" bad-data
rm "$COPY/emrfs-data/list"
sed '$d; s/^emrfs backup 2/emrfs backup 3/' good >"$COPY/emrfs-backup"
printf 'sum %s\n' "$(sha256sum <"$COPY/emrfs-backup" | cut -d' ' -f1)" >>"$COPY/emrfs-backup"
json 1 backup "$COPY"
expect "error id" "$(field error)" newer-format
[[ $(field message) == *"version 3, and it reads up to 2." ]] || emr_fail "$(field message)"
cp good "$COPY/emrfs-backup"
file=$(ls "$COPY"/emrfs-data/seg-*)
mv "$file" good
json 0 backup "$COPY" --verify		# a file that went is copied again
must cmp good "$(ls "$COPY"/emrfs-data/seg-*)"
run 0 unmount

say "damage in the source is copied and said"
flip "$(ls -S "$STATE"/blocks/seg-*.car | head -1)"
json 3 backup "$EMR_WORK/second-copy"
expect "error id" "$(field error)" missing-data
[ "$(field bad)" != "[]" ] || emr_fail "nothing named"
echo "all is well"
