#!/bin/bash
# disk_erase.sh: on a disk with little room left an erased record is gone, too, and keep --purge and unmount come to an end, though the
# segment of the record holds more living blocks than there is room for.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
emr_begin full-erase
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
must mount -t tmpfs -o size=80m,mode=700 tmpfs "$EMRFS_HOME"
emr_init
emr_mount
head -c 30000000 /dev/urandom >"$EMR_WORK/large"
head -c 100000 /dev/urandom >"$EMR_WORK/small"
must mkdir "$MNT/d"
must cp "$EMR_WORK/large" "$EMR_WORK/small" "$MNT/d/"
confirmed_version "$MNT/d/large" >/dev/null || exit 1
confirmed_version "$MNT/d/small" >/dev/null || exit 1
free_room() { echo $(($(stat -f -c '%a * %S' "$EMRFS_HOME"))); }
dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=1M count=$((($(free_room) - 9000000) / 1000000)) status=none
say "$(free_room) bytes are free, and 30 MB live in the segment of what is erased"
segments() { find "$EMRFS_HOME/state" -name 'seg-*.car' -printf '%f\n' | sed 's/.*-0*//; s/[.]car//' | sort -n | tail -1; }
before=$(segments) began=$SECONDS
timeout "$EMR_PATIENCE" "$EMRFS" erase --yes --passphrase-file "$EMR_PASS" "$MNT/d/small" >"$EMR_WORK/out/erase" 2>&1 || emr_fail "erase: status $?: $(cat "$EMR_WORK/out/erase")"
[ ! -e "$MNT/d/small" ] || emr_fail "it is still there"
say "erase: $((SECONDS - began)) s, $(($(segments) - before)) segments"
timeout "$EMR_PATIENCE" "$EMRFS" keep --purge "$MNT" >"$EMR_WORK/out/purge" 2>&1 || emr_fail "keep --purge: status $?: $(cat "$EMR_WORK/out/purge")"
[ $(($(segments) - before)) -lt 12 ] || emr_fail "$(($(segments) - before)) segments were begun"
must cmp "$EMR_WORK/large" "$MNT/d/large"
say "saving goes on"
must cp "$EMR_WORK/small" "$MNT/d/next"
confirmed_version "$MNT/d/next" >/dev/null || exit 1
emr_remount
must cmp "$EMR_WORK/large" "$MNT/d/large"
must cmp "$EMR_WORK/small" "$MNT/d/next"

say "what is told of the room: what only root may fill is free and not available; it falls by a write, and comes back by an erasure"
emr_unmount
must umount "$EMRFS_HOME"
must truncate -s 96M "$EMR_WORK/image"
must mkfs.ext4 -q -m 10 "$EMR_WORK/image"
mount -o loop "$EMR_WORK/image" "$EMRFS_HOME" 2>"$EMR_WORK/out/loop" || emr_skip "no loop device: $(cat "$EMR_WORK/out/loop")"
must chmod 700 "$EMRFS_HOME" && rm "$EMR_WORK/words"
emr_init
emr_mount
told() { local room && room=$(stat -f -c "($1) * %S" "$2") && echo $((room)); }
near() { [ $(($2 - $3)) -le 8192 ] && [ $(($3 - $2)) -le 8192 ] || emr_fail "$1: $2 bytes, and of the disk $3"; } # blocks have other sizes
near "root's part" "$(told '%f - %a' "$MNT")" "$(told '%f - %a' "$EMRFS_HOME")"
near "the disk" "$(told %b "$MNT")" "$(told %b "$EMRFS_HOME")"
[ "$(told '%f - %a' "$MNT")" -gt 5000000 ] || emr_fail "root has no part of the disk"
begun=$(told %a "$MNT")
must cp "$EMR_WORK/large" "$MNT/large"
confirmed_version "$MNT/large" >/dev/null || exit 1
[ "$(told %a "$MNT")" -le $((begun - 30000000)) ] || emr_fail "30 MB were written, and $begun bytes became $(told %a "$MNT")"
must "$EMRFS" erase --yes --passphrase-file "$EMR_PASS" "$MNT/large"
back() { [ "$(told %a "$MNT")" -ge $((begun - 3000000)) ]; }
emr_until back
emr_unmount
