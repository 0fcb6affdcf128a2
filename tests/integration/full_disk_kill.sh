#!/bin/bash
# full_disk_kill.sh [ROUNDS]: on a disk without a free block the process is killed again and again, while a program tries to
# save: each time the folder opens, what was saved is there, and unmount says within seconds what it waits for.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
rounds=${1:-20}
emr_begin full-kill
cd "$EMR_WORK" || exit 2
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
must mount -t tmpfs -o size=60m,mode=700 tmpfs "$EMRFS_HOME"
emr_init
emr_mount
head -c 3000000 /dev/urandom >large
must cp large "$MNT/large"
echo kept >"$MNT/kept.txt"
confirmed_version "$MNT/large" >/dev/null || exit 1
fill() {
	dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=64k oflag=append conv=notrunc status=none 2>/dev/null
	dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=4k oflag=append conv=notrunc status=none 2>/dev/null
}
for ((round = 1; round <= rounds; round++)); do
	fill
	(for ((i = 0; ; i++)); do cp large "$MNT/try-$i" && echo x >>"$MNT/kept.txt" || :; done) >/dev/null 2>&1 &
	trying=$!
	sleep "0.$((RANDOM % 9))"
	emr_kill
	kill "$trying"
	wait "$trying" 2>/dev/null
	fill
	emr_mount
	must cmp large "$MNT/large"
	expect "round $round" "$(head -1 "$MNT/kept.txt")" kept
done
say "$rounds times killed on a full disk, and open again"
fill
cp large "$MNT/last" 2>/dev/null
fill
"$EMRFS" unmount "$MNT" >said 2>&1 </dev/null &
closing=$!
emr_until grep -q . said
say "unmount: $(head -1 said)"
wait "$closing"
head -1 said | grep -q 'disk is full' || emr_fail "the first word is about something else: $(cat said)"
! grep -q 'Waiting up to a minute' said || emr_fail "it waits for a disk that is full: $(cat said)"
rm "$EMRFS_HOME/ballast"
if mountpoint -q "$MNT"; then emr_unmount; else emr_await_end || emr_fail "the process stays"; fi
emr_mount
must cmp large "$MNT/large"
