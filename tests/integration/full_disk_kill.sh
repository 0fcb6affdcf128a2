#!/bin/bash
# full_disk_kill.sh ROUNDS: on a disk (tests/support/small_disk.sh) without a free block the process is killed again and
# again, while a program tries to save: each time the folder opens, for reading only when others have taken all that was put aside, and
# what was saved is there.  After room was made and taken again unmount says what it waits for.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/small_disk.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
rounds=$1
emr_begin full-kill
cd "$EMR_WORK" || exit 2
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
small_disk tmpfs 60
emr_init
emr_mount
head -c 3000000 /dev/urandom >large
must cp large "$MNT/large"
echo kept >"$MNT/kept.txt"
confirmed_version "$MNT/large" >/dev/null || exit 1
for ((round = 1; round <= rounds; round++)); do
	fill_disk
	(for ((i = 0; ; i++)); do cp large "$MNT/try-$i" && echo x >>"$MNT/kept.txt" || :; done) >/dev/null 2>&1 &
	trying=$!
	sleep "0.$((RANDOM % 9))"
	emr_kill
	kill "$trying"
	wait "$trying" 2>/dev/null
	fill_disk
	emr_mount
	must cmp large "$MNT/large"
	expect "round $round" "$(head -1 "$MNT/kept.txt")" kept
done
say "$rounds times killed on a full disk, and open again"
make_room
"$EMRFS" unmount --now "$MNT" >said 2>&1 </dev/null
emr_await_end || emr_fail "the process stays"
emr_mount
cp large "$MNT/large"
confirmed_version "$MNT/large" >/dev/null || exit 1
fill_disk
cp large "$MNT/last" 2>/dev/null
fill_disk
"$EMRFS" unmount "$MNT" >said 2>&1 </dev/null &
closing=$!
emr_until grep -q . said
say "unmount: $(head -1 said)"
wait "$closing"
head -1 said | grep -qE 'disk is full|Everything is on the ledger' || emr_fail "the first word is about something else: $(cat said)"
! grep -q 'Waiting up to a minute' said || emr_fail "it waits for a disk that is full: $(cat said)"
make_room
if mountpoint -q "$MNT"; then emr_unmount; else emr_await_end || emr_fail "the process stays"; fi
emr_mount
must cmp large "$MNT/large"
