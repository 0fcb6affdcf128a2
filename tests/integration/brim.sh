#!/bin/bash
# brim.sh: on a disk without one free block the folder opens, removing works, and erasing gives room again, in which saving works without a
# new mount. The reserve that was used for it is there again when there is room.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
emr_begin brim
cd "$EMR_WORK" || exit 2
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
must mount -t tmpfs -o size=40m,mode=700 tmpfs "$EMRFS_HOME"
emr_init
emr_mount
state=$EMRFS_HOME/state
reserved() { stat -c %b "$state/reserve"; }
is_put_aside() { [ "$(reserved)" -ge 16384 ]; }
free_kib() { echo $(($(stat -f -c '%f * %S' "$EMRFS_HOME") / 1024)); }
# to_the_brim plays other programs: they take all the room that is free, and the room that an open folder gives back meanwhile.
to_the_brim() {
	local i
	dd if=/dev/zero of="$EMRFS_HOME/ballast-$1" bs=64k status=none 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		dd if=/dev/zero of="$EMRFS_HOME/ballast-$1" bs=4k oflag=append conv=notrunc status=none 2>/dev/null
		[ "$(free_kib)" != 0 ] || return 0 # looked at once: a moment later the folder may have given back some
	done
	emr_fail "never full: $(free_kib) KiB are free"
}
must mkdir "$MNT/Old" "$MNT/Fill" old
for i in 1 2 3 4; do
	head -c $((i * 60000)) /dev/urandom >old/$i
	must cp old/$i "$MNT/Old/$i"
done
i=0
while [ $i -lt 12 ]; do
	head -c 1000000 /dev/urandom >"$MNT/Fill/$i" || emr_fail "12 MB do not fit"
	i=$((i + 1))
done
run 0 status --wait
emr_until is_put_aside
old_is_whole() { must diff -r old "$MNT/Old"; }

say "full: a save is refused, and nothing else is lost"
to_the_brim a
head -c 3000000 /dev/urandom >new
cp new "$MNT/new" 2>out/err && emr_fail "saved on a full disk"
grep -q 'No space left' out/err || emr_fail "it says: $(cat out/err)"
bash -c 'cp "$1" "$2" && mv "$2" "$3"' - new "$MNT/three" "$MNT/Old/3" 2>out/err && emr_fail "replaced on a full disk"
old_is_whole
emr_until grep -q 'disk-full.*emrfs erase --deleted' "$MNT/.emrfs/notices"

say "removing works, and reaches the ledger"
must rm -f "$MNT/new" "$MNT/three"
must rm "$MNT"/Fill/[0-5]
run 0 status --wait
json 0 status
expect pending "$(field pending)" 0
json 0 ledger --limit 40
[ "$(grep -o UNLINK out/said | wc -l)" -ge 6 ] || emr_fail "removals are not on the ledger"
must mkdir "$MNT/a directory needs no room"
must mv "$MNT/Old/1" "$MNT/Old/one"
must mv "$MNT/Old/one" "$MNT/Old/1"

say "opens without one free block, after a kill and after a close"
to_the_brim b
emr_kill
to_the_brim c
emr_mount
old_is_whole
must rm "$MNT/Fill/6"
emr_unmount
to_the_brim d
emr_mount
old_is_whole
must rm "$MNT/Fill/7"
run 0 status --wait
cp new "$MNT/new" 2>out/err && emr_fail "saved on a full disk"
must rm -f "$MNT/new"

say "erasing what was deleted gives room, in which saving works"
before=$(free_kib)
json 0 erase --deleted --yes --passphrase-file "$EMR_PASS"
expect finished "$(field finished)" True
expect erased "$(field deleted_files)" 8
[ "$(free_kib)" -gt $((before + 4000)) ] || [ "$(reserved)" -ge 16384 ] || emr_fail "no room: $before, then $(free_kib)"
rm "$EMRFS_HOME/ballast-d" "$EMRFS_HOME/ballast-c" "$EMRFS_HOME/ballast-b" 2>/dev/null
rm "$EMRFS_HOME/ballast-a"
must cp new "$MNT/Old/3"
must cp new old/3
confirmed_version "$MNT/Old/3" >/dev/null || exit 1
old_is_whole
emr_until is_put_aside	# again
run 0 verify
emr_remount
old_is_whole
for n in 8 9 10 11; do must test -s "$MNT/Fill/$n"; done
emr_unmount
